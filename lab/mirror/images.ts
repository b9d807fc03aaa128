/** Images of the mirror: under the names of the originals, with their entry points and paths, made of the tools. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { toolPath } from "../toolchain/index.js";
import { run } from "../toolchain/run.js";
import { versions } from "../toolchain/versions.js";
import { busyboxLayer, netfilterLayer, nginxLayer, writeLayer, type Layer } from "./layers.js";
import { hashOf, mirrorDirectory, registryDirectory, toolInputs, type ImageRecord } from "./records.js";
import { startRegistry } from "./registry.js";

export interface Image {
  /** Name of the original, with host and tag. */
  readonly name: string;
  /** Lowest first. */
  readonly layers: readonly Layer[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly user?: string;
  readonly ports?: readonly string[];
  readonly stopSignal?: string;
  /** The only kind of region that it is made for. @default every one */
  readonly cloud?: string;
}

/** Search path of programs in every image. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Debian packages under the names of two images that people try a cluster with. */
export const tryoutImages = {
  busybox: "docker.io/library/busybox:1.35",
  nginx: "docker.io/library/nginx:1.22",
} as const;

/** All images, each made like its original as far as a manifest can tell: paths, entry point, user, ports. */
export function images(): readonly Image[] {
  const name = (image: string): string => {
    const found = versions.images[image];
    if (!found) throw new Error(`versions.json: images has no "${image}"; the lab's mirror makes it`);
    return found.name;
  };
  const only = (file: string, tool: string): Layer => ({ kind: "tools", files: { [file]: tool } });
  return [
    ...["kube-apiserver", "kube-controller-manager", "kube-scheduler"].map((tool) => ({
      name: name(tool),
      layers: [only(`usr/local/bin/${tool}`, tool)],
    })),
    { name: name("kube-proxy"), layers: [netfilterLayer, only("usr/local/bin/kube-proxy", "kube-proxy")] },
    {
      name: name("coredns"),
      layers: [only("coredns", "coredns")],
      entrypoint: ["/coredns"],
      user: "65532:65532",
      ports: ["53/tcp", "53/udp"],
    },
    {
      name: name("flannel"),
      layers: [netfilterLayer, busyboxLayer, only("opt/bin/flanneld", "flanneld")],
      entrypoint: ["/opt/bin/flanneld"],
    },
    { name: name("flannel-cni-plugin"), layers: [busyboxLayer, only("flannel", "flannel")] },
    { name: name("pause"), layers: [only("pause", "pause")], entrypoint: ["/pause"], user: "65535:65535" },
    {
      name: name("aws-cloud-controller-manager"),
      layers: [only("bin/aws-cloud-controller-manager", "aws-cloud-controller-manager")],
      entrypoint: ["/bin/aws-cloud-controller-manager"],
      cloud: "aws",
    },
    { name: tryoutImages.busybox, layers: [busyboxLayer], command: ["sh"] },
    {
      name: tryoutImages.nginx,
      layers: [nginxLayer],
      command: ["nginx", "-g", "daemon off;"],
      ports: ["80/tcp"],
      stopSignal: "SIGQUIT",
    },
  ];
}

/** Images of a region that plays a cloud. */
export const imagesOf = (cloud: string): readonly Image[] =>
  images().filter((image) => image.cloud === undefined || image.cloud === cloud);

/** Tools that go into the images. */
export const imageTools = (wanted: readonly Image[] = images()): string[] => [
  ...new Set(wanted.flatMap(({ layers }) => layers.flatMap(toolsOf))),
];

const toolsOf = (layer: Layer): string[] => (layer.kind === "tools" ? Object.values(layer.files) : []);

/** Changes when an image must be made anew. */
export const imageInputs = (config: LabConfig, image: Image): string =>
  hashOf("1", image, path, toolInputs(config, [...image.layers.flatMap(toolsOf), "push-images"]));

/**
 * Makes the wanted images that `known` does not have in their present form, and pushes them to the registry's storage.
 * Needs the tools to be there.
 * @returns Records of all images that there are.
 */
export async function ensureImages(
  config: LabConfig,
  known: Readonly<Record<string, ImageRecord>>,
  progress: Progress,
  wanted: readonly Image[] = images(),
): Promise<Record<string, ImageRecord>> {
  const all = images();
  const stale = wanted.filter((image) => known[image.name]?.inputs !== imageInputs(config, image));
  const records = Object.fromEntries(all.flatMap(({ name }) => (known[name] ? [[name, known[name]] as const] : [])));
  if (stale.length === 0) return records;

  const scratch = join(mirrorDirectory(config), "layers");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  try {
    const tars = await writeLayers(config, stale, scratch, progress);
    const digests = await push(config, stale, tars, scratch, progress);
    for (const image of stale) {
      const digest = digests[image.name];
      if (digest === undefined)
        throw new Error(
          `mirror: push-images gave no digest for ${image.name}; remove ${registryDirectory(config)} and try again`,
        );
      records[image.name] = { inputs: imageInputs(config, image), digest };
    }
    return records;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Layers, each written once however many images share it; layer description -> tar file. */
async function writeLayers(
  config: LabConfig,
  stale: readonly Image[],
  scratch: string,
  progress: Progress,
): Promise<Map<string, string>> {
  const layers = new Map(stale.flatMap(({ layers }) => layers.map((layer) => [JSON.stringify(layer), layer] as const)));
  const tars = new Map<string, string>();
  for (const [key, layer] of layers) {
    progress.report(
      `mirror: layer ${tars.size + 1} of ${layers.size}: ${layer.kind === "tools" ? Object.values(layer.files).join(", ") : `Debian's ${layer.packages.join(", ")}`}`,
    );
    const tar = join(scratch, `${tars.size}.tar`);
    await writeLayer(config, layer, `${tar}.files`, tar, progress);
    tars.set(key, tar);
  }
  return tars;
}

/** Pushes to a registry that runs for just that long, on an address that only this machine has. */
async function push(
  config: LabConfig,
  stale: readonly Image[],
  tars: ReadonlyMap<string, string>,
  scratch: string,
  progress: Progress,
): Promise<Record<string, string>> {
  const registry = await startRegistry(config, {
    host: "127.0.0.1",
    port: 0,
    folder: scratch,
    writable: true,
    signal: progress.signal,
  });
  const prefix = `127.0.0.1:${registry.port}/`;
  let pushed = 0;
  const start = Date.now();
  const tell = (): void =>
    progress.report(`mirror: ${pushed} of ${stale.length} images pushed, ${Math.round((Date.now() - start) / 1000)} s`);
  const timer = setInterval(tell, 5_000);
  try {
    const input = stale.map(({ name, layers, entrypoint, command, user, ports, stopSignal }) => ({
      name: `${prefix}${name}`,
      layers: layers.map((layer) => tars.get(JSON.stringify(layer))),
      entrypoint,
      command,
      user,
      ports,
      stopSignal,
      path,
      directory: "/",
    }));
    const { stdout } = await run(toolPath(config, "push-images"), [], {
      input: JSON.stringify(input),
      signal: progress.signal,
      onLine(line) {
        if (line.startsWith("pushed ")) pushed += 1;
      },
    });
    tell();
    const digests = JSON.parse(stdout) as Record<string, string>;
    return Object.fromEntries(Object.entries(digests).map(([name, digest]) => [name.slice(prefix.length), digest]));
  } finally {
    clearInterval(timer);
    await registry.stop();
  }
}
