/** Debian packages that the lab needs on this machine. */
import { run, type RunOptions } from "../process/run.js";
import type { Progress } from "../progress.js";

export interface DebianPackage {
  readonly name: string;
  /** What the lab does with it. */
  readonly purpose: string;
  /** Service that Debian starts with the package; the lab runs its own and disables this one. */
  readonly service?: string;
}

/** What the lab needs on the host. */
export const debianPackages: readonly DebianPackage[] = [
  { name: "systemd-container", purpose: "machines (systemd-nspawn)" },
  { name: "mmdebstrap", purpose: "the machines' image and images of Debian packages" },
  { name: "iproute2", purpose: "networks" },
  { name: "nftables", purpose: "cloud firewalls" },
  { name: "haproxy", purpose: "load balancers" },
  { name: "util-linux", purpose: "network namespaces (nsenter), volumes (losetup)" },
  { name: "e2fsprogs", purpose: "file systems of volumes" },
  { name: "openssh-client", purpose: "SSH into machines" },
  { name: "curl", purpose: "checks from outside" },
  { name: "passwd", purpose: "users in a machine's user-data (Ignition calls useradd)" },
  { name: "procps", purpose: "resource figures" },
  { name: "tar", purpose: "release files" },
  { name: "gzip", purpose: "release files" },
  { name: "zstd", purpose: "layers of images" },
  { name: "gcc", purpose: "runc, Ignition and flannel (C code)" },
  { name: "libc6-dev", purpose: "runc, Ignition and flannel (C code)" },
  { name: "pkg-config", purpose: "runc and Ignition (finds C libraries)" },
  { name: "libseccomp-dev", purpose: "runc" },
  { name: "libblkid-dev", purpose: "Ignition" },
];

/** What the lab's proxy needs; installed when the proxy is switched on. */
export const proxyPackages: readonly DebianPackage[] = [
  { name: "squid", purpose: "a proxy between machines and mirror", service: "squid" },
];

/** What only the tests need. */
export const testPackages: readonly DebianPackage[] = [
  { name: "openssh-server", purpose: "real SSH servers on loopback for the provider's tests" },
  { name: "openssl", purpose: "an independent check of certificates" },
  { name: "shellcheck", purpose: "the machines' scripts" },
  { name: "jq", purpose: "scripts of the examples" },
  ...proxyPackages,
];

/** Access to Debian's package management; replaced in tests. */
export interface PackageSystem {
  run(command: readonly string[], options: RunOptions): Promise<string>;
  /** Effective user id. */
  userId(): number;
}

const debian: PackageSystem = { run, userId: () => process.geteuid?.() ?? -1 };

/**
 * Installs the packages that are missing.
 * @param packages Allowed: any of Debian's. @default those that `make up` needs
 * @returns Names of the installed ones.
 * @throws Error with the command to run by hand when this is not a Debian system, not root, or apt-get fails.
 */
export async function ensurePackages(
  progress: Progress,
  system: PackageSystem = debian,
  packages: readonly DebianPackage[] = debianPackages,
): Promise<string[]> {
  const names = packages.map(({ name }) => name);
  const missing = await missingPackages(names, progress, system);
  if (missing.length === 0) return [];
  const byHand = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (system.userId() !== 0)
    throw new Error(
      `the lab needs Debian packages that are not installed: ${missing.join(", ")}; as root run: ${byHand}`,
    );

  const apt = async (...args: string[]): Promise<void> => {
    let reported = 0;
    await system.run(["apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=120", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      signal: progress.signal,
      onLine(line) {
        if (Date.now() - reported < 1_000) return;
        reported = Date.now();
        progress.report(`apt-get: ${line}`);
      },
    });
  };
  const install = (): Promise<void> => apt("install", "--no-install-recommends", ...missing);
  progress.report(`installing Debian packages: ${missing.join(", ")}`);
  try {
    await install();
  } catch (first) {
    progress.signal?.throwIfAborted();
    // The package lists may be missing or out of date; updating them takes time, so only now.
    progress.report(`apt-get install failed (${firstLine(first)}); updating the package lists and trying again`);
    try {
      await apt("update");
      await install();
    } catch (error) {
      progress.signal?.throwIfAborted();
      throw new Error(
        `Debian packages cannot be installed: ${missing.join(", ")}; check the network and the package sources, then run: apt-get update && ${byHand}\n${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  for (const { name, service } of packages) {
    if (service === undefined || !missing.includes(name)) continue;
    // Without systemd `service` stops it; in a container nothing was started.
    const off =
      'systemctl disable "$1"; if [ -d /run/systemd/system ]; then systemctl stop "$1"; else service "$1" stop; fi; true';
    await system.run(["sh", "-c", off, "sh", service], { signal: progress.signal });
  }
  return missing;
}

async function missingPackages(names: readonly string[], progress: Progress, system: PackageSystem): Promise<string[]> {
  let output: string;
  try {
    // dpkg-query fails when it does not know one of the names, and still prints the others.
    output = await system.run(
      [
        "sh",
        "-c",
        'dpkg-query --show --showformat="\\${db:Status-Status} \\${Package}\\n" "$@" 2>/dev/null || test $? -eq 1',
        "sh",
        ...names,
      ],
      { signal: progress.signal },
    );
  } catch (error) {
    progress.signal?.throwIfAborted();
    throw new Error(
      `the lab runs on Debian or Ubuntu (it needs dpkg and apt-get); on another system install what these packages hold: ${names.join(", ")}`,
      { cause: error },
    );
  }
  const installed = new Set(
    output
      .split("\n")
      .filter((line) => line.startsWith("installed "))
      .map((line) => line.slice("installed ".length)),
  );
  return names.filter((name) => !installed.has(name));
}

const firstLine = (error: unknown): string => (error as Error).message.split("\n")[0] ?? "";
