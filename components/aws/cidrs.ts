/** Ranges of subnets. Pure. */
import { addressCount, nthAddress, prefixLength } from "../spec/cidr.js";

export type SubnetKind = "public" | "private";

/** Zones that have a place in a network: AWS ends their names with a letter. */
const letters = "abcdefgh";

/** Parts of equal size that a network is cut into: a public and a private one for each letter. */
export const subnetParts = 2 * letters.length;

/**
 * The range of a zone's subnet. It follows from the zone's letter alone: another zone changes no range.
 * @throws Error for a zone with another letter.
 */
export function subnetCidr(network: string, kind: SubnetKind, zone: string): string {
  const letter = letters.indexOf(zone.slice(-1));
  if (letter < 0) {
    throw new Error(
      `zone ${zone}: allowed are zones that end with a letter from a to ${letters.at(-1)}; name zones in corekube:control_plane_placement and corekube:node_placement`,
    );
  }
  const part = letter + (kind === "private" ? letters.length : 0);
  return `${nthAddress(network, (part * addressCount(network)) / subnetParts)}/${prefixLength(network) + Math.log2(subnetParts)}`;
}
