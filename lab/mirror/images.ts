/** Images of the mirror: the originals, pulled by digest, or images made of the tools under the originals' names. */
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { run } from "../process/run.js";
import type { Progress } from "../progress.js";
import { DownloadFailed, fileDigest, type Downloads } from "../toolchain/download.js";
import type { PinnedImage, Versions } from "../toolchain/versions.js";
import { busyboxLayer, netfilterLayer, nginxLayer, writeLayer, type Layer } from "./layers.js";
import { pullImage } from "./pull.js";
import { pushImage, type Content, type ImageContent } from "./push.js";
import { hashOf, mirrorDirectory, toolInputs, type ImageRecord } from "./records.js";
import { startRegistry } from "./registry.js";

export interface Image extends PinnedImage {
  /** Lowest first. */
  readonly layers: readonly Layer[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly user?: string;
  readonly ports?: readonly string[];
  readonly stopSignal?: string;
  /** The only kind of region that it is made for. @default every one */
  readonly cloud?: string;
  /** The add-on, by its block of settings, or the example without which no region has it. @default it is in every region */
  readonly addon?: string;
  /** Whether it is also there under the tag `latest`. @default false */
  readonly latest?: boolean;
}

/** Search path of programs in every image. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** All images of a release; those made here have the paths, entry point, user and ports of their originals. */
export function images(from: Versions): readonly Image[] {
  const original = (image: keyof Versions["images"]): PinnedImage => from.images[image];
  const only = (file: string, tool: string): Layer => ({ kind: "tools", files: { [file]: tool } });
  return [
    ...(["kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const).map((tool) => ({
      ...original(tool),
      layers: [only(`usr/local/bin/${tool}`, tool)],
    })),
    { ...original("kube-proxy"), layers: [netfilterLayer, only("usr/local/bin/kube-proxy", "kube-proxy")] },
    {
      ...original("coredns"),
      layers: [only("coredns", "coredns")],
      entrypoint: ["/coredns"],
      user: "65532:65532",
      ports: ["53/tcp", "53/udp"],
    },
    {
      ...original("metrics-server"),
      layers: [only("metrics-server", "metrics-server")],
      entrypoint: ["/metrics-server"],
      user: "65534",
    },
    {
      ...original("flannel"),
      layers: [netfilterLayer, busyboxLayer, only("opt/bin/flanneld", "flanneld")],
      entrypoint: ["/opt/bin/flanneld"],
    },
    { ...original("flannel-cni-plugin"), layers: [busyboxLayer, only("flannel", "flannel")] },
    {
      ...original("local-path-provisioner"),
      layers: [only("usr/bin/local-path-provisioner", "local-path-provisioner")],
      command: ["local-path-provisioner"],
    },
    { ...original("pause"), layers: [only("pause", "pause")], entrypoint: ["/pause"], user: "65535:65535" },
    {
      ...original("aws-cloud-controller-manager"),
      layers: [only("bin/aws-cloud-controller-manager", "aws-cloud-controller-manager")],
      entrypoint: ["/bin/aws-cloud-controller-manager"],
      cloud: "aws",
    },
    {
      ...original("digitalocean-cloud-controller-manager"),
      layers: [only("bin/digitalocean-cloud-controller-manager", "digitalocean-cloud-controller-manager")],
      entrypoint: ["/bin/digitalocean-cloud-controller-manager"],
      cloud: "digitalocean",
    },
    {
      ...original("snapshot-controller"),
      layers: [only("snapshot-controller", "snapshot-controller")],
      entrypoint: ["/snapshot-controller"],
      addon: "volume_snapshots",
    },
    {
      ...original("kube-network-policies"),
      layers: [only("bin/netpol", "netpol")],
      command: ["/bin/netpol"],
      addon: "network_policies",
    },
    { ...original("velero"), layers: [only("velero", "velero")], addon: "velero" },
    {
      ...original("velero-plugin-for-aws"),
      layers: [
        {
          kind: "tools",
          files: { "plugins/velero-plugin-for-aws": "velero-plugin-for-aws", "bin/cp-plugin": "cp-plugin" },
        },
      ],
      entrypoint: ["cp-plugin", "/plugins/velero-plugin-for-aws", "/target/velero-plugin-for-aws"],
      user: "65532:65532",
      addon: "velero",
    },
    {
      ...original("traefik"),
      layers: [only("usr/local/bin/traefik", "traefik")],
      entrypoint: ["/usr/local/bin/traefik"],
      ports: ["80/tcp"],
      addon: "ingress",
    },
    // Also what the lab tries clusters with.
    { ...original("busybox"), layers: [busyboxLayer], command: ["sh"], latest: true },
    {
      ...from.toolchain.tryout.nginx,
      latest: true,
      // The original has a shell too: people open one in it, and hooks of pods use it.
      layers: [busyboxLayer, nginxLayer],
      command: ["nginx", "-g", "daemon off;"],
      ports: ["80/tcp"],
      stopSignal: "SIGQUIT",
    },
    {
      ...from.toolchain.tryout.prometheus,
      layers: [{ kind: "tools", files: { "bin/prometheus": "prometheus", "bin/promtool": "promtool" } }],
      entrypoint: ["/bin/prometheus"],
      user: "65534",
      ports: ["9090/tcp"],
      addon: "monitoring",
    },
  ];
}

/** Images of a region that plays a cloud. @param addons Those that its stack has and that are off by default. */
export const imagesOf = (from: Versions, cloud: string, addons: readonly string[]): readonly Image[] =>
  images(from).filter(
    (image) =>
      (image.cloud === undefined || image.cloud === cloud) &&
      (image.addon === undefined || addons.includes(image.addon)),
  );

/** Tools that go into images made here. */
export const imageTools = (wanted: readonly Image[]): string[] => [
  ...new Set(wanted.flatMap(({ layers }) => layers.flatMap(toolsOf))),
];

const toolsOf = (layer: Layer): string[] => (layer.kind === "tools" ? Object.values(layer.files) : []);

/** Changes when a made image must be made again. */
export const madeFrom = (config: LabConfig, from: Versions, image: Image): string =>
  hashOf("2", image, path, toolInputs(config, from, image.layers.flatMap(toolsOf)));

/** What a pulled image is recorded as made from. */
const pulledFrom = (image: Image): string => `${image.name}@${image.digest}`;

/** Whether the mirror has an image in its present form. */
export const isFresh = (config: LabConfig, from: Versions, image: Image, record: ImageRecord | undefined): boolean =>
  record !== undefined && [pulledFrom(image), madeFrom(config, from, image)].includes(record.inputs);

const contentDirectory = (config: LabConfig): string => join(mirrorDirectory(config), "content");
const pullDirectory = (config: LabConfig, image: Image): string =>
  join(contentDirectory(config), hashOf(pulledFrom(image)));

/**
 * Downloads the images that are stale and can be had from their registries.
 * @returns Content of the pulled ones by name; the others are to be made.
 */
export async function pullImages(
  config: LabConfig,
  stale: readonly Image[],
  downloads: Downloads,
  progress: Progress,
): Promise<ReadonlyMap<string, ImageContent>> {
  const pulled = new Map<string, ImageContent>();
  for (const image of stale) {
    if (image.digest === null) continue;
    try {
      const folder = pullDirectory(config, image);
      pulled.set(image.name, await pullImage(downloads, image.name, image.digest, folder, progress));
    } catch (error) {
      if (!(error instanceof DownloadFailed)) throw error;
      progress.report(`mirror: ${image.name} cannot be pulled (${error.message}); making it instead`);
    }
  }
  return pulled;
}

/**
 * Pushes pulled images to the mirror's registry, after making the others. Needs the tools of the ones to make.
 * @returns Records of the pushed images.
 */
export async function pushImages(
  config: LabConfig,
  from: Versions,
  stale: readonly Image[],
  pulled: ReadonlyMap<string, ImageContent>,
  progress: Progress,
): Promise<Record<string, ImageRecord>> {
  if (stale.length === 0) return {};
  const folder = join(contentDirectory(config), "made");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { signal } = progress;
  const registry = await startRegistry(config, { host: "127.0.0.1", port: 0, folder, writable: true, signal });
  const layers = new Map<string, Promise<MadeLayer>>();
  const records: Record<string, ImageRecord> = {};
  try {
    for (const image of stale) {
      const original = pulled.get(image.name);
      const content = original ?? (await makeImage(config, from, image, layers, folder, progress));
      const [, repository = "", tag = ""] = /^(.+):([^:/]+)$/.exec(image.name) ?? [];
      const tags = image.latest ? [tag, "latest"] : [tag];
      await pushImage(`http://127.0.0.1:${registry.port}`, repository, tags, content, signal);
      const inputs = original ? pulledFrom(image) : madeFrom(config, from, image);
      records[image.name] = { inputs, digest: content.manifests.at(-1)!.digest };
      progress.report(`mirror: ${image.name} (${Object.keys(records).length} of ${stale.length})`);
    }
  } finally {
    await registry.stop();
  }
  rmSync(contentDirectory(config), { recursive: true, force: true });
  return records;
}

interface MadeLayer extends Content {
  /** Digest of the tar file before compression. */
  readonly diffId: string;
}

const ociType = (kind: string): string => `application/vnd.oci.image.${kind}`;

/** Makes an image of its layers. Nothing in it depends on time or machine. */
async function makeImage(
  config: LabConfig,
  from: Versions,
  image: Image,
  known: Map<string, Promise<MadeLayer>>,
  folder: string,
  progress: Progress,
): Promise<ImageContent> {
  const layers: MadeLayer[] = [];
  for (const layer of image.layers) {
    const key = hashOf(layer);
    // A layer that several images share is made once.
    if (!known.has(key)) known.set(key, makeLayer(config, from, layer, join(folder, key), progress));
    layers.push(await known.get(key)!);
  }
  const write = (mediaType: string, value: unknown): Content => {
    const text = JSON.stringify(value);
    const sha256 = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(folder, sha256), text);
    return { digest: `sha256:${sha256}`, mediaType, file: join(folder, sha256) };
  };
  const description = ({ digest, mediaType, file }: Content): object => ({
    mediaType,
    digest,
    size: statSync(file).size,
  });
  const settings = write(ociType("config.v1+json"), {
    architecture: "amd64",
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Entrypoint: image.entrypoint,
      Cmd: image.command,
      Env: [`PATH=${path}`],
      WorkingDir: "/",
      User: image.user,
      StopSignal: image.stopSignal,
      ExposedPorts: image.ports && Object.fromEntries(image.ports.map((port) => [port, {}])),
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = write(ociType("manifest.v1+json"), {
    schemaVersion: 2,
    mediaType: ociType("manifest.v1+json"),
    config: description(settings),
    layers: layers.map(description),
  });
  return { blobs: [...layers, settings], manifests: [manifest] };
}

async function makeLayer(
  config: LabConfig,
  from: Versions,
  layer: Layer,
  file: string,
  progress: Progress,
): Promise<MadeLayer> {
  const content = layer.kind === "tools" ? Object.values(layer.files) : layer.packages;
  progress.report(`mirror: layer of ${layer.kind === "tools" ? "" : "Debian's "}${content.join(", ")}`);
  const tar = `${file}.tar`;
  await writeLayer(config, from, layer, `${file}.files`, tar, progress);
  const diffId = `sha256:${await fileDigest(tar)}`;
  // Machines unpack zstd several times faster than gzip.
  await run(["zstd", "--quiet", "--rm", "-3", "--threads=2", "-o", file, tar], { signal: progress.signal });
  return { digest: `sha256:${await fileDigest(file)}`, mediaType: ociType("layer.v1.tar+zstd"), file, diffId };
}
