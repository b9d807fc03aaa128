/**
 * Where a lab region lives on this machine: names, addresses and folders.
 *
 * A region is one network namespace. Its public network and link are in the range for tests of network devices
 * (198.18.0.0/15, RFC 2544), so they never collide with an address that this machine uses; private networks exist
 * only inside the namespace.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export interface LabConfig {
  /** Name of the region; namespace, links and folders carry it. */
  readonly name: string;
  /** Folder of the region's state: API state, machine roots, logs, checksums of the mirror. */
  readonly directory: string;
  /** Folder of everything that is kept between regions: built tools, mirror content, machine base. */
  readonly cache: string;
  /** Network namespace of the region. */
  readonly namespace: string;
  /** Name of the host's end of the link into the region, at most 15 characters. */
  readonly hostLink: string;
  /** The host's address on that link: the "administrator" outside the region; in `admin_cidrs` of the lab stack. */
  readonly adminAddress: string;
  /** A second address of the host on that link: a stranger on the internet; in no `admin_cidrs`. */
  readonly strangerAddress: string;
  /** The region's end of the link (next hop of the host's route to `publicCidr`). */
  readonly regionAddress: string;
  /** Public network of the region: droplets' eth0 and external load balancers. */
  readonly publicCidr: string;
  /** Address of the region's public gateway; API, mirror and registry listen here. */
  readonly gateway: string;
  /** DigitalOcean's API as the lab serves it. */
  readonly apiUrl: string;
  /** Release files, laid out as `<mirrorUrl>/<host of the original>/<path of the original>`. */
  readonly mirrorUrl: string;
  /** Image registry, repositories under `<host of the original>/<repository>`. */
  readonly registryUrl: string;
  /** Token that the API accepts (a lab has no secret worth keeping). */
  readonly token: string;
}

/**
 * The third octet identifies the region; `lab` is the user's, `test` is for `make test`, the others are for clusters
 * side by side.
 */
const regions: Readonly<Record<string, { link: string; publicNetwork: string }>> = {
  lab: { link: "198.18.1", publicNetwork: "198.18.16" },
  test: { link: "198.18.0", publicNetwork: "198.18.32" },
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6].map((number) => [
      `side${number}`,
      { link: `198.18.${number + 1}`, publicNetwork: `198.18.${32 + number}` },
    ]),
  ),
};

/** What COREKUBE_LAB may be. */
export const regionNames: readonly string[] = Object.keys(regions);

/**
 * Settings of the region named by `COREKUBE_LAB` (default `lab`; allowed: `lab`, `test`, `side1` to `side6`).
 * Folders: `COREKUBE_LAB_DIR` (default `.lab/<name>` in the project), `COREKUBE_CACHE` (default `~/.cache/corekube`).
 * @throws Error when the name is not allowed.
 */
export function labConfig(env: NodeJS.ProcessEnv = process.env): LabConfig {
  const name = env["COREKUBE_LAB"] ?? "lab";
  const region = regions[name];
  if (!region) {
    throw new Error(
      `COREKUBE_LAB: got "${name}", allowed are ${regionNames.join(", ")}; unset it for the default "lab"`,
    );
  }
  const gateway = `${region.publicNetwork}.1`;
  return {
    name,
    directory: resolve(env["COREKUBE_LAB_DIR"] ?? join(projectDirectory, ".lab", name)),
    cache: resolve(env["COREKUBE_CACHE"] ?? join(homedir(), ".cache", "corekube")),
    namespace: `corekube-${name}`,
    hostLink: `ck-${name}`,
    adminAddress: `${region.link}.1`,
    regionAddress: `${region.link}.2`,
    strangerAddress: `${region.link}.129`,
    publicCidr: `${region.publicNetwork}.0/24`,
    gateway,
    apiUrl: `http://${gateway}:8080`,
    mirrorUrl: `http://${gateway}:5080`,
    registryUrl: `http://${gateway}:5000`,
    token: `corekube-${name}-token`,
  };
}

/** Root of the project's checkout. */
export const projectDirectory = resolve(__dirname, "..");
