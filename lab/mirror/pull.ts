/** Images from their public registries, by pinned digest: manifest, configuration and layers, each with its checksum. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../progress.js";
import { DownloadFailed, type Downloads } from "../toolchain/download.js";
import type { Content, ImageContent } from "./push.js";

/** What a manifest or an index says of the content that it consists of. */
interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

interface Manifest {
  readonly mediaType: string;
  /** Of an index. */
  readonly manifests?: readonly Descriptor[];
  /** Of an image. */
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * Downloads an image for linux/amd64 into `folder`; what an earlier run left there is used.
 * @param digest of its manifest, or of an index with one for linux/amd64.
 * @throws DownloadFailed that says why; `progress.signal.reason` when interrupted.
 */
export async function pullImage(
  downloads: Downloads,
  name: string,
  digest: string,
  folder: string,
  progress: Progress,
): Promise<ImageContent> {
  mkdirSync(folder, { recursive: true });
  const repository = repositoryUrl(name);
  const get = async (kind: "manifests" | "blobs", of: string): Promise<string> => {
    const sha256 = of.replace(/^sha256:/, "");
    const file = join(folder, sha256);
    const headers = kind === "manifests" ? { accept: manifestTypes.join(", ") } : undefined;
    if (!existsSync(file))
      await downloads.fetch({ url: `${repository}/${kind}/${of}`, sha256 }, file, progress, headers);
    return file;
  };
  const manifest = async (of: string): Promise<Content & { readonly parsed: Manifest }> => {
    const file = await get("manifests", of);
    const parsed = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    return { digest: of, mediaType: parsed.mediaType ?? manifestTypes[1]!, file, parsed };
  };
  const top = await manifest(digest);
  const manifests = [top];
  if (top.parsed.manifests) {
    const ours = top.parsed.manifests.find(
      ({ platform }) => platform?.os === "linux" && platform.architecture === "amd64",
    );
    if (!ours) throw new DownloadFailed(`${name}@${digest} has no image for linux/amd64`);
    manifests.unshift(await manifest(ours.digest));
  }
  const { config, layers = [] } = manifests[0]!.parsed;
  const blobs: Content[] = [];
  for (const blob of [...layers, ...(config ? [config] : [])])
    blobs.push({ digest: blob.digest, mediaType: blob.mediaType, file: await get("blobs", blob.digest) });
  progress.report(`mirror: ${name} downloaded, checksums verified`);
  return { blobs, manifests };
}

/** Address of an image's repository: `registry.k8s.io/pause:3.10.1` -> `https://registry.k8s.io/v2/pause`. */
function repositoryUrl(name: string): string {
  const [, host = "", path = ""] = /^([^/]+)\/(.+):[^:/]+$/.exec(name) ?? [];
  if (path === "") throw new Error(`image ${name}: expected a name like registry.k8s.io/pause:3.10.1`);
  return `https://${host === "docker.io" ? "registry-1.docker.io" : host}/v2/${path}`;
}
