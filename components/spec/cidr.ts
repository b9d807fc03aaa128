/** Arithmetic on IPv4 networks in CIDR notation, such as `10.2.0.0/16`. Pure. */
import { Address4, Address6 } from "ip-address";

/** Prefix length of the network that each node's pods get; the controller manager hands them out. */
export const podPrefixPerNode = 24;

function network(cidr: string): Address4 {
  const problem = cidrProblem(cidr);
  if (problem) {
    throw new Error(`${cidr}: ${problem}`);
  }
  return new Address4(cidr);
}

/** What is wrong with an IPv4 network in CIDR notation; undefined when nothing is. */
export function cidrProblem(cidr: string): string | undefined {
  if (!/^[0-9.]+\/[0-9]{1,2}$/.test(cidr) || !Address4.isValid(cidr)) {
    return "is no IPv4 network in CIDR notation";
  }
  const address = new Address4(cidr);
  const first = `${address.startAddress().correctForm()}/${address.subnetMask}`;
  return cidr === first ? undefined : `has bits set behind its prefix; the network is ${first}`;
}

/** As `cidrProblem`, for IPv4 or IPv6. */
export function anyCidrProblem(cidr: string): string | undefined {
  if (!cidr.includes(":")) {
    return cidrProblem(cidr);
  }
  if (!/^[0-9a-fA-F:.]+\/[0-9]{1,3}$/.test(cidr) || !Address6.isValid(cidr)) {
    return "is no IPv6 network in CIDR notation";
  }
  const address = new Address6(cidr);
  return address.startAddress().bigInt() === address.bigInt()
    ? undefined
    : `has bits set behind its prefix; the network is ${address.startAddress().correctForm()}/${address.subnetMask}`;
}

/** Length of the prefix: 16 for `10.2.0.0/16`. */
export function prefixLength(cidr: string): number {
  return network(cidr).subnetMask;
}

/** Number of addresses, the network's own and the broadcast address among them. */
export function addressCount(cidr: string): number {
  return 2 ** (32 - prefixLength(cidr));
}

/**
 * The address at a distance from the network's own: `nthAddress("10.3.0.0/16", 10)` is `10.3.0.10`.
 * @throws Error when it lies outside the network.
 */
export function nthAddress(cidr: string, n: number): string {
  const count = addressCount(cidr);
  if (!Number.isInteger(n) || n < 0 || n >= count) {
    throw new Error(`address ${n} of ${cidr}: the network has addresses 0 to ${count - 1}`);
  }
  return Address4.fromBigInt(network(cidr).startAddress().bigInt() + BigInt(n)).correctForm();
}

/** Whether an address, or every address of a network, lies in the network. */
export function contains(cidr: string, inner: string): boolean {
  return new Address4(inner).isInSubnet(network(cidr));
}

/** Whether two networks share an address. */
export function overlap(a: string, b: string): boolean {
  return contains(a, b) || contains(b, a);
}

/** How many networks of `prefix` fit in. */
export function subnetCount(cidr: string, prefix: number): number {
  return prefix < prefixLength(cidr) ? 0 : 2 ** (prefix - prefixLength(cidr));
}

/** The longest prefix of a network that holds `count` networks of `prefix`. */
export function prefixFor(count: number, prefix: number): number {
  return prefix - Math.ceil(Math.log2(Math.max(count, 1)));
}
