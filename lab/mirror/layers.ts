/** Layers of images: tar files of tools, and of Debian packages. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { LabConfig } from "../config.js";
import { debianRelease, mmdebstrap } from "../region/base-debian.js";
import { run } from "../process/run.js";
import type { Progress } from "../progress.js";
import { share, toolPath } from "../toolchain/index.js";
import type { Versions } from "../toolchain/versions.js";
import { writeTar } from "./releases.js";

/** A layer that holds tools of the toolchain. */
export interface ToolLayer {
  readonly kind: "tools";
  /** Path in the image -> tool. */
  readonly files: Readonly<Record<string, string>>;
}

/** A layer of unpacked Debian packages; `links` and `files` replace their installation scripts, which do not run. */
export interface DebianLayer {
  readonly kind: "debian";
  readonly name: string;
  readonly packages: readonly string[];
  /** Path in the image -> target. */
  readonly links?: Readonly<Record<string, string>>;
  /** Path in the image -> content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether `/usr/bin/busybox` gets a link for each program in it. */
  readonly busybox?: boolean;
  /** Paths that nothing in the image needs. */
  readonly without?: readonly string[];
}

export type Layer = ToolLayer | DebianLayer;

const users = {
  "etc/passwd":
    "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

/** Files of the package management, and of an installed system. */
const leftovers = [
  "var/lib/apt",
  "var/lib/dpkg",
  "var/cache",
  "etc/apt",
  "boot",
  "dev",
  "proc",
  "sys",
  "usr/share/man",
  "usr/share/doc",
  "usr/lib/systemd",
  "usr/share/perl5",
] as const;

export const busyboxLayer: DebianLayer = {
  kind: "debian",
  name: "busybox",
  packages: ["busybox-static"],
  busybox: true,
  files: users,
};

/** Debian gives iptables its usual names when it is installed, not in the package. */
const iptablesNames = [
  "iptables",
  "iptables-save",
  "iptables-restore",
  "ip6tables",
  "ip6tables-save",
  "ip6tables-restore",
];

/** Programs that kube-proxy and flannel call. */
export const netfilterLayer: DebianLayer = {
  kind: "debian",
  name: "netfilter",
  packages: ["iptables", "nftables", "conntrack", "kmod", "ipset"],
  links: Object.fromEntries(iptablesNames.map((name) => [`usr/sbin/${name}`, "xtables-nft-multi"])),
  files: users,
};

export const nginxLayer: DebianLayer = {
  kind: "debian",
  name: "nginx",
  packages: ["nginx"],
  links: { "var/log/nginx/access.log": "/dev/stdout", "var/log/nginx/error.log": "/dev/stderr" },
  files: {
    ...users,
    // As in the image of the nginx project: content in /usr/share/nginx/html, servers in /etc/nginx/conf.d.
    "etc/nginx/nginx.conf": [
      "user www-data;",
      "worker_processes auto;",
      "error_log /var/log/nginx/error.log notice;",
      "pid /run/nginx.pid;",
      "events { worker_connections 1024; }",
      "http {",
      "  include /etc/nginx/mime.types;",
      "  default_type application/octet-stream;",
      "  access_log /var/log/nginx/access.log;",
      "  sendfile on;",
      "  keepalive_timeout 65;",
      "  include /etc/nginx/conf.d/*.conf;",
      "}",
      "",
    ].join("\n"),
    "etc/nginx/conf.d/default.conf": "server {\n  listen 80;\n  root /usr/share/nginx/html;\n  index index.html;\n}\n",
  },
  without: [
    "etc/init.d",
    "etc/ufw",
    "etc/logrotate.d",
    "etc/pam.d",
    "etc/security",
    "usr/lib/x86_64-linux-gnu/security",
    "usr/lib/x86_64-linux-gnu/perl-base",
  ],
};

/** Writes a layer's tar file, uncompressed; `folder` is a scratch folder. Layers of Debian packages need root. */
export async function writeLayer(
  config: LabConfig,
  from: Versions,
  layer: Layer,
  folder: string,
  target: string,
  progress: Progress,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  try {
    if (layer.kind === "tools") fillTools(config, from, layer, folder);
    else await fillDebian(layer, folder, progress);
    await writeTar(folder, target, { signal: progress.signal });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fillTools(config: LabConfig, from: Versions, layer: ToolLayer, folder: string): void {
  for (const [path, tool] of Object.entries(layer.files)) {
    makeParents(folder, path);
    share(toolPath(config, tool, from), join(folder, path));
  }
}

async function fillDebian(layer: DebianLayer, folder: string, progress: Progress): Promise<void> {
  await mmdebstrap(
    // The hook makes /bin, /sbin and /lib links into /usr before packages are unpacked, as on every Debian system.
    [
      "--variant=extract",
      "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
      `--include=${layer.packages.join(",")}`,
      debianRelease,
      folder,
    ],
    `image layer ${layer.name}`,
    progress,
  );
  for (const path of [...leftovers, ...(layer.without ?? [])])
    rmSync(join(folder, path), { recursive: true, force: true });
  if (layer.busybox) await linkBusybox(folder, progress.signal);
  for (const [path, content] of Object.entries(layer.files ?? {})) {
    makeParents(folder, path);
    rmSync(join(folder, path), { force: true });
    writeFileSync(join(folder, path), content, { mode: 0o644 });
  }
  for (const [path, target] of Object.entries(layer.links ?? {})) {
    makeParents(folder, path);
    rmSync(join(folder, path), { force: true });
    symlinkSync(target, join(folder, path));
  }
  for (const path of ["tmp", "run", "root", "var/log"]) mkdirSync(join(folder, path), { recursive: true });
  chmodSync(join(folder, "tmp"), 0o1777);
  chmodSync(folder, 0o755);
}

/** Links each program of busybox in /usr/bin; programs of a lower layer in /usr/sbin come first on the path. */
async function linkBusybox(folder: string, signal?: AbortSignal): Promise<void> {
  const packaged = join(folder, "bin", "busybox");
  const binary = join(folder, "usr", "bin", "busybox");
  if (!existsSync(binary)) copyFileSync(packaged, binary);
  const programs = await run([binary, "--list"], { signal });
  const taken = new Set(readdirSync(join(folder, "usr", "bin")));
  for (const name of programs.split("\n").filter((line) => line !== "" && !taken.has(line)))
    symlinkSync("busybox", join(folder, "usr", "bin", name));
}

/** Makes the folders above a path, readable by all whatever the umask is. */
function makeParents(folder: string, path: string): void {
  const parent = dirname(path);
  if (parent !== ".") makeParents(folder, parent);
  const full = join(folder, parent);
  if (lstatSync(full, { throwIfNoEntry: false })) return;
  mkdirSync(full, { recursive: true });
  chmodSync(full, 0o755);
}
