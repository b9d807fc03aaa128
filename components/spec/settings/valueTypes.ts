/** Types of values of settings. Each has a text that says what it accepts, for messages and for the reference. */
import { z } from "zod";
import { anyCidrProblem, cidrProblem } from "../cidr.js";

declare module "zod" {
  interface GlobalMeta {
    /** What is accepted, in words. */
    allowed?: string;
  }
}

export function text(allowed: string, accepts: (value: string) => boolean) {
  return z.string().refine(accepts).meta({ allowed });
}

export function matching(allowed: string, pattern: RegExp) {
  return text(allowed, (value) => pattern.test(value));
}

export function oneOf<const T extends string>(...values: readonly [T, ...T[]]) {
  return z.enum(values).meta({ allowed: values.join(", ") });
}

export function whole(from: number, to: number, unit: string) {
  return z
    .int()
    .min(from)
    .max(to)
    .meta({ allowed: `a whole number of ${unit} from ${from} to ${to}` });
}

export function yesOrNo() {
  return z.boolean().meta({ allowed: "true or false" });
}

/** A network of the cluster. */
export function cidr() {
  return text(
    "an IPv4 network in CIDR notation whose address is its first, such as 10.2.0.0/16",
    (value) => cidrProblem(value) === undefined,
  );
}

/** A network outside the cluster. */
export function anyCidr() {
  return text(
    "an IPv4 or IPv6 network in CIDR notation whose address is its first, such as 192.0.2.0/24; one address is 192.0.2.7/32",
    (value) => anyCidrProblem(value) === undefined,
  );
}

/** Base address of a server. */
export function httpUrl(example: string) {
  return text(
    `an http or https address of at most 100 characters, without user, query or fragment, such as ${example}`,
    (value) => {
      if (
        value.length > 100 ||
        !/^https?:\/\/[A-Za-z0-9]/.test(value) ||
        /[\s"'\\$`]/.test(value) ||
        !URL.canParse(value)
      )
        return false;
      return isPlain(new URL(value));
    },
  );
}

/** Whether an address has neither user nor query nor fragment, and a port that exists. */
function isPlain({ username, password, search, hash, port }: URL): boolean {
  return username + password + search + hash === "" && port !== "0";
}

const label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** Lower case, without the dot at the end; what looks like an address is none. */
export function isDnsName(value: string): boolean {
  return new RegExp(`^(?=.{1,253}$)(${label}\\.)*[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`).test(value);
}

/** A domain without the dot at the end. */
export function domain() {
  return matching(
    "a lower-case DNS name of at most 63 characters, such as cluster.local",
    new RegExp(`^(?=.{1,63}$)${label}(\\.${label})*$`),
  );
}

/** An SSH public key as `ssh-keygen` writes it, in one line. */
export const sshPublicKey =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) AAAA[A-Za-z0-9+/]+={0,3}( [^\r\n"\\]*)?$/;

/** CPUs; tenths are the smallest share that makes a difference. */
export function cpus(from: number, to: number) {
  return z
    .number()
    .min(from)
    .max(to)
    .refine((value) => Number.isInteger(Math.round(value * 1e6) / 1e4))
    .meta({ allowed: `a number of CPUs from ${from} to ${to}, with at most two decimals` });
}

/** What nodes offer to pods, and what is kept from them. */
export function reservation() {
  return z.strictObject({
    kube_cpus: cpus(0.1, 256)
      .optional()
      .describe("CPUs that pods may use on each node. Not set: 2, or the rest of the machine if its size is set."),
    kube_mem: whole(128, 4_194_304, "MB")
      .optional()
      .describe(
        "MB of memory that pods may use on each node. Not set: 2048, or the rest of the machine if its size is set.",
      ),
    kube_disk: whole(1024, 67_108_864, "MB")
      .optional()
      .describe(
        "MB of the machine's disk that pods may use. Not set: 10240, or the rest of the machine if its size is set.",
      ),
    system_cpus: cpus(0.1, 64)
      .optional()
      .describe(
        "CPUs for kubelet, container runtime and system. Not set: 1, or at most a quarter of the machine if its size is set.",
      ),
    system_mem: whole(256, 1_048_576, "MB")
      .optional()
      .describe(
        "MB of memory for kubelet, container runtime and system. Not set: 1024, or at most a quarter of the machine if its size is set.",
      ),
  });
}

/** Requests of a component. */
export function component(byDefaultCpus: number, byDefaultMemory: number) {
  return z.strictObject({
    cpus: cpus(0.05, 64).default(byDefaultCpus).describe("CPUs."),
    mem: whole(64, 262_144, "MB").default(byDefaultMemory).describe("MB of memory."),
  });
}

/** Failure domains. */
export function placement() {
  return matching(
    "spread, or zones of the region with commas between them, such as eu-central-1a,eu-central-1b",
    /^[a-z0-9][a-z0-9-]{0,62}(,[a-z0-9][a-z0-9-]{0,62}){0,19}$/,
  );
}

/** Address of a proxy. A password would be readable in user-data, which is no place for one. */
export function proxyUrl() {
  return text(
    "empty, or an http or https address of at most 2000 characters without user and password, such as http://proxy.example:3128",
    (value) => {
      if (value === "") return true;
      if (
        value.length > 2000 ||
        !/^https?:\/\/[A-Za-z0-9[]/.test(value) ||
        /[\s"'\\$`%]/.test(value) ||
        !URL.canParse(value)
      )
        return false;
      return isPlain(new URL(value));
    },
  );
}

/** A host name, perhaps with a dot or an asterisk before it for everything below, or an address; perhaps with a port. */
const noProxyName =
  /^(\*\.|\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?(:[1-9][0-9]{0,4})?$/;

function isNoProxyEntry(entry: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return anyCidrProblem(entry) === undefined;
  // What looks like an address must be one.
  if (/^[0-9.]+(:[0-9]+)?$/.test(entry))
    return anyCidrProblem(`${entry.split(":")[0]}/32`) === undefined && Number(entry.split(":")[1] ?? 1) <= 65_535;
  if (entry.split(":").length > 2) return anyCidrProblem(`${entry.replace(/^\[(.*)\]$/, "$1")}/128`) === undefined;
  return noProxyName.test(entry) && Number(entry.split(":")[1] ?? 1) <= 65_535;
}

/** What is reached without proxies, as NO_PROXY has it. */
export function noProxy() {
  return text(
    "host names, domains (.example.com), addresses and networks (10.0.0.0/8) with commas between them, at most 2000 characters; no address with http://",
    (value) => {
      if (value === "") return true;
      return value.length <= 2000 && value.split(",").every((entry) => isNoProxyEntry(entry.trim()));
    },
  );
}

/** A name of an image in the cloud, its number, or the address of a file. */
export function image() {
  return text(
    "empty, a name or numeric id of an image in the cloud, or the http or https address of an image file",
    (value) => {
      if (!/^https?:/.test(value)) return /^([A-Za-z0-9][A-Za-z0-9.-]{0,100})?$/.test(value);
      return /^https?:\/\/[A-Za-z0-9][^\s"'\\$`]{1,300}$/.test(value) && URL.canParse(value) && isPlain(new URL(value));
    },
  );
}

/** The cloud's name of a machine size; empty: the program chooses one. */
export function machineSize() {
  return matching(
    "empty, or the cloud's name of a machine size, such as s-2vcpu-4gb or t3.medium",
    /^([a-z0-9][a-z0-9.-]{0,60})?$/,
  );
}

/** Range of ports from the text `from-to`; undefined when it is not one. */
export function portRange(value: string): { readonly from: number; readonly to: number } | undefined {
  const found = /^([1-9][0-9]{0,4})-([1-9][0-9]{0,4})$/.exec(value);
  const from = Number(found?.[1]);
  const to = Number(found?.[2]);
  return found && from <= to && to <= 65_535 ? { from, to } : undefined;
}

/** One port, or a range as `portRange` has it. */
export function ports(value: string): { readonly from: number; readonly to: number } | undefined {
  return portRange(value.includes("-") ? value : `${value}-${value}`);
}
