/** Suggestions for networks. Pure. */
import { addressCount, nthAddress, overlap, prefixLength, subnetCount } from "./cidr.js";

/** RFC 1918. */
export const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] as const;

/** A private network of the prefix that shares no address with the others; undefined when there is none. */
export function freeNetwork(prefix: number, others: readonly string[]): string | undefined {
  for (const range of privateRanges) {
    const size = 2 ** (32 - prefix);
    // The others cannot cover more than this many.
    const tries =
      prefix < prefixLength(range) ? 0 : Math.min(subnetCount(range, prefix), addressCount(range) / size, 70_000);
    for (let index = 0; index < tries; index++) {
      const candidate = `${nthAddress(range, index * size)}/${prefix}`;
      const hit = others.find((other) => overlap(candidate, other));
      if (hit === undefined) return candidate;
      // Continue after the network that overlaps.
      const skip = Math.floor(addressCount(hit) / size);
      if (skip > 1) index += skip - 1 - (index % skip);
    }
  }
  return undefined;
}
