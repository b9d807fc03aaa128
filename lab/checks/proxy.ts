/** Compares the access log of the region's proxy with what must and must not pass it. */
import { Address4 } from "ip-address";

/** One request as squid logged it. */
interface ProxyRequest {
  /** Seconds since 1970. */
  readonly time: number;
  /** Address of the machine that sent it. */
  readonly client: string;
  readonly method: string;
  /** Status of the answer; 0: the client disconnected first. */
  readonly status: number;
  readonly host: string;
  readonly port: number;
  /** Path and query; empty for a tunnel (CONNECT), whose content the proxy does not see. */
  readonly path: string;
}

/**
 * Reads an access log. A last line without its newline is still being written and is left out.
 * @throws Error with a line that is not in the log's format.
 */
export function parseProxyLog(text: string): readonly ProxyRequest[] {
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      if (line.trim() === "") return [];
      const match = /^([0-9]+\.[0-9]{3}) (\S+) (\S+) ([0-9]+|-) (\S+)$/.exec(line);
      if (!match)
        throw new Error(`access log of the proxy: got "${line}", expected time, client, method, status and address`);
      const [, time, client, method, status, target] = match as unknown as [
        string,
        string,
        string,
        string,
        string,
        string,
      ];
      // What was no HTTP at all is logged as "error:...", and names no host.
      if (target.startsWith("error:")) return [];
      return [
        {
          time: Number(time),
          client,
          method,
          status: status === "-" ? 0 : Number(status),
          ...place(method, target, line),
        },
      ];
    });
}

function place(method: string, target: string, line: string): Pick<ProxyRequest, "host" | "port" | "path"> {
  try {
    const url = new URL(method === "CONNECT" ? `tunnel://${target}` : target);
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    return {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port,
      path: method === "CONNECT" ? "" : `${url.pathname}${url.search}`,
    };
  } catch (error) {
    throw new Error(`access log of the proxy: "${target}" in "${line}" is no address`, { cause: error });
  }
}

/** What each machine must download through the proxy, and what must not pass it. */
export interface ProxyExpectation {
  readonly machines: readonly {
    readonly name: string;
    /** Addresses that it may ask from. */
    readonly addresses: readonly string[];
    /** Release files that it downloads, as addresses on the mirror. */
    readonly releases: readonly string[];
    /** Registries that it pulls from, `host:port`, or `host` for port 443. */
    readonly registries: readonly string[];
  }[];
  /** Networks that must never be requested through the proxy: pods, Services, nodes. CIDR. */
  readonly networks: readonly string[];
  /** Such as `cluster.local`. */
  readonly clusterDomain: string;
}

/** Networks that must never pass a proxy: the machine itself and the metadata service. */
const always = ["127.0.0.0/8", "169.254.169.254/32"];

/** Faults, one sentence each; empty when exactly what must pass the proxy did. */
export function proxyFaults(requests: readonly ProxyRequest[], expected: ProxyExpectation): readonly string[] {
  const missing = expected.machines.flatMap((machine) => {
    const mine = requests.filter((request) => machine.addresses.includes(request.client));
    const releases = machine.releases.filter(
      (release) => !mine.some((request) => succeeded(request) && isFor(request, release)),
    );
    const registries = machine.registries.filter(
      (registry) => !mine.some((request) => succeeded(request) && isOn(request, registry)),
    );
    return [
      ...releases.map((release) => `${machine.name} did not download ${release} through the proxy`),
      ...registries.map((registry) => `${machine.name} did not ask the registry ${registry} through the proxy`),
    ];
  });
  const strangers = requests
    .filter((request) => isInside(request.host, expected))
    .map(
      (request) =>
        `${nameOf(request.client, expected)} asked the proxy for ${request.host}:${request.port}, which must not pass it (${request.method}, status ${request.status})`,
    );
  return [...missing, ...new Set(strangers)];
}

/** A registry requests a token with 401 and answers 404 to a HEAD for a missing image: in both cases it was reached. */
const succeeded = (request: ProxyRequest): boolean =>
  request.status >= 200 && (request.status < 400 || request.status === 401 || request.status === 404);

/** A file on a TLS server appears as a tunnel to the server. */
function isFor(request: ProxyRequest, address: string): boolean {
  const url = new URL(address);
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  if (request.host !== url.hostname || request.port !== port) return false;
  return url.protocol === "https:"
    ? request.method === "CONNECT"
    : request.path === `${url.pathname}${url.search}` && request.status < 400;
}

function isOn(request: ProxyRequest, registry: string): boolean {
  const [host, port = "443"] = registry.split(":");
  return (
    request.host === host &&
    request.port === Number(port) &&
    (request.method === "CONNECT" || request.path.startsWith("/v2/"))
  );
}

function isInside(host: string, { networks, clusterDomain }: ProxyExpectation): boolean {
  if (Address4.isValid(host))
    return [...always, ...networks].some((network) => new Address4(host).isInSubnet(new Address4(network)));
  const inside = (domain: string): boolean => host === domain || host.endsWith(`.${domain}`);
  // A name without a dot is a Service's, or a machine's; `::1` is the machine itself.
  return host === "::1" || !/[.:]/.test(host) || inside(clusterDomain) || inside("svc") || inside("localhost");
}

function nameOf(client: string, { machines }: ProxyExpectation): string {
  return machines.find((machine) => machine.addresses.includes(client))?.name ?? client;
}
