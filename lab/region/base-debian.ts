/** The Debian system under the lab's machine image. */
import { chmodSync, statSync } from "node:fs";
import type { Progress } from "../progress.js";
import { run } from "../process/run.js";

/** Release that the lab uses everywhere. */
export const debianRelease = "bookworm";

/** What a machine has because Flatcar has it; everything else is left out. */
export const basePackages = [
  "ca-certificates",
  "conntrack",
  "curl",
  "dbus",
  "e2fsprogs",
  "ethtool",
  "iproute2",
  "iptables",
  "iputils-ping",
  "kmod",
  "libseccomp2",
  "nftables",
  "openssl",
  "openssh-server",
  "procps",
  "socat",
  "sudo",
  "systemd",
  "systemd-resolved",
  "systemd-sysv",
] as const;

/** Users that Flatcar has, with its ids. */
const users = [
  "groupadd --gid 500 core",
  "useradd --uid 500 --gid 500 --create-home --shell /bin/bash --comment 'CoreOS Admin' --password '*' core",
  "groupadd --gid 232 etcd",
  "useradd --uid 232 --gid 232 --system --no-create-home --home-dir /dev/null --shell /usr/sbin/nologin etcd",
] as const;

/** Documentation and translations: half of the files, read by nobody here. */
const leftOut = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/i18n/*",
  "/usr/share/lintian/*",
  "/usr/share/bash-completion/*",
] as const;

/**
 * Makes a minimal Debian system with `basePackages` and Flatcar's users in `folder`.
 * The package source is the one of mmdebstrap, or the address in COREKUBE_DEBIAN_MIRROR.
 * @throws Error with the last lines of mmdebstrap when packages cannot be fetched, or when we are not root.
 */
export async function bootstrapDebian(folder: string, progress: Progress): Promise<void> {
  if (process.geteuid?.() !== 0)
    throw new Error("machine image: only root can make one (it holds files of many owners); run as root");
  await mmdebstrap(
    [
      "--variant=minbase",
      `--include=${basePackages.join(",")}`,
      ...users.map((command) => `--customize-hook=chroot "$1" ${command}`),
      debianRelease,
      folder,
    ],
    "machine image",
    progress,
  );
  // Parents of the folder are made for root alone by some configurations; the machine's own / must be open to all.
  if ((statSync(folder).mode & 0o777) !== 0o755) chmodSync(folder, 0o755);
}

/**
 * Runs mmdebstrap; the last two of `args` are the release and the target.
 * @param what What is being made, for progress and errors.
 */
export async function mmdebstrap(args: readonly string[], what: string, progress: Progress): Promise<void> {
  const start = Date.now();
  let last = "starting";
  const tell = (): void =>
    progress.report(`${what}: Debian packages, ${Math.round((Date.now() - start) / 1000)} s: ${last}`);
  const timer = setInterval(tell, 5_000);
  const mirror = process.env["COREKUBE_DEBIAN_MIRROR"];
  tell();
  try {
    await run(
      [
        "mmdebstrap",
        "--architectures=amd64",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io", // An interrupted run is thrown away, so nothing need reach the disk in order.
        ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
        ...args,
        ...(mirror ? [mirror] : []),
      ],
      {
        env: { ...process.env, LC_ALL: "C.UTF-8" },
        signal: progress.signal,
        onLine(line) {
          const text = line.replace(/^I: /, "").trim();
          if (text !== "" && !/^\W*$/.test(text)) last = text.slice(0, 100);
        },
      },
    );
  } catch (error) {
    progress.signal?.throwIfAborted();
    throw new Error(
      `${what}: mmdebstrap failed; check that Debian's package servers can be reached, or name a mirror in COREKUBE_DEBIAN_MIRROR\n${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    clearInterval(timer);
  }
}
