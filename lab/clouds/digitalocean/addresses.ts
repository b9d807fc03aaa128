/** IPv4 arithmetic of the region: overlap, allocation, subtraction. */
import { Address4 } from "ip-address";

export interface Range {
  /** First and last address as numbers, network and broadcast included. */
  readonly first: number;
  readonly last: number;
  readonly prefix: number;
}

/** Reads "10.0.0.0/16" or "10.0.0.1" (a /32); null when it is no IPv4 address or range. */
export function ipv4Range(text: string): Range | null {
  if (!Address4.isValid(text)) return null;
  const address = new Address4(text);
  return {
    first: Number(address.startAddress().bigInt()),
    last: Number(address.endAddress().bigInt()),
    prefix: address.subnetMask,
  };
}

/** As `ipv4Range`, for text that was checked before. @throws Error when it is none. */
export function checkedRange(text: string): Range {
  const range = ipv4Range(text);
  if (!range) throw new Error(`"${text}" is no IPv4 address or range`);
  return range;
}

export const addressText = (value: number): string => Address4.fromBigInt(BigInt(value)).correctForm();

export const overlap = (one: Range, other: Range): boolean => one.first <= other.last && other.first <= one.last;

export const contains = (outer: Range, inner: Range): boolean => outer.first <= inner.first && inner.last <= outer.last;

export const netmask = (prefix: number): string => addressText(prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

/** First free address of a range after skipping its first `skip` ones (network address included) and the broadcast; null: full. */
export function freeAddress(cidr: string, skip: number, taken: ReadonlySet<string>): string | null {
  const range = checkedRange(cidr);
  for (let value = range.first + skip; value < range.last; value += 1) {
    const address = addressText(value);
    if (!taken.has(address)) return address;
  }
  return null;
}

/** Locally administered hardware address that follows from an IPv4 address; `kind` tells the networks apart. */
export function hardwareAddress(kind: number, address: string): string {
  return [2, kind, ...address.split(".").map(Number)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The ranges of `from` that none of `without` covers. */
export function subtract(from: readonly string[], without: readonly string[]): string[] {
  const holes = without.map(checkedRange);
  return from.flatMap((cidr) => split(checkedRange(cidr), holes));
}

function split(range: Range, holes: readonly Range[]): string[] {
  if (holes.some((hole) => contains(hole, range))) return [];
  if (!holes.some((hole) => overlap(hole, range))) return [`${addressText(range.first)}/${range.prefix}`];
  const middle = range.first + (range.last - range.first + 1) / 2;
  return [
    ...split({ first: range.first, last: middle - 1, prefix: range.prefix + 1 }, holes),
    ...split({ first: middle, last: range.last, prefix: range.prefix + 1 }, holes),
  ];
}
