/** Ranges of subnets. Pure. */
import { addressCount, nthAddress, prefixLength } from "../spec/cidr.js";

export type SubnetKind = "public" | "private";

/** Last letters of the names of zones that have a part of the network. */
const letters = "abcdefgh";

/** Number of equal parts of a network: a public and a private one for each letter. */
export const subnetParts = 2 * letters.length;

/**
 * The range of a zone's subnet. It depends on the zone's letter only, so that another zone changes no range.
 * @throws Error for a zone with another letter.
 */
export function subnetCidr(network: string, kind: SubnetKind, zone: string): string {
  const letter = letters.indexOf(zone.slice(-1));
  if (letter < 0) {
    throw new Error(
      `zone ${zone}: allowed: zones that end with a letter from a to ${letters.at(-1)}; set such zones in corekube:control_plane_placement and corekube:node_placement`,
    );
  }
  const part = letter + (kind === "private" ? letters.length : 0);
  return `${nthAddress(network, (part * addressCount(network)) / subnetParts)}/${prefixLength(network) + Math.log2(subnetParts)}`;
}
