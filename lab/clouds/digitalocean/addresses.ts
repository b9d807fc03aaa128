/** IPv4 networks as the API's users write them, and addresses given out from them. */
import { Address4 } from "ip-address";
import { addressCount, nthAddress } from "../../../components/spec/cidr.js";

/** "10.1.2.3/8" as "10.0.0.0/8" and "10.0.0.1" as "10.0.0.1/32"; undefined when it is no IPv4 address or range. */
export function ipv4Network(text: string): string | undefined {
  if (!Address4.isValid(text)) return undefined;
  const address = new Address4(text);
  return `${address.startAddress().correctForm()}/${address.subnetMask}`;
}

/** Netmask of a prefix length: 20 gives "255.255.240.0". */
export const netmask = (prefix: number): string =>
  new Address4(`255.255.255.255/${prefix}`).startAddress().correctForm();

/** First free address from the `from`th one on, without the broadcast address; undefined: the network is full. */
export function freeAddress(cidr: string, from: number, taken: ReadonlySet<string>): string | undefined {
  for (let index = from; index < addressCount(cidr) - 1; index += 1) {
    const address = nthAddress(cidr, index);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** Position of an address in its network. */
export const indexIn = (cidr: string, address: string): number =>
  Number(new Address4(address).bigInt() - new Address4(cidr).startAddress().bigInt());

/** Locally administered hardware address that follows from an IPv4 address; `kind` distinguishes the networks. */
export function hardwareAddress(kind: number, address: string): string {
  return [2, kind, ...address.split(".").map(Number)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
