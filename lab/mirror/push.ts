/** Puts images into a registry. */
import { createReadStream, statSync } from "node:fs";
import { Readable } from "node:stream";

/** A piece of an image, in a file. */
export interface Content {
  /** "sha256:..." of the file. */
  readonly digest: string;
  readonly mediaType: string;
  readonly file: string;
}

export interface ImageContent {
  /** Configuration and layers. */
  readonly blobs: readonly Content[];
  /** The image's manifest; after it the index that names it, if there is one. The last one gets the tags. */
  readonly manifests: readonly Content[];
}

/**
 * Pushes an image.
 * @param registry Address, such as http://127.0.0.1:5000.
 * @param repository Name without tag.
 * @throws Error with the registry's answer.
 */
export async function pushImage(
  registry: string,
  repository: string,
  tags: readonly string[],
  image: ImageContent,
  signal?: AbortSignal,
): Promise<void> {
  const base = `${registry}/v2/${repository}`;
  for (const { digest, file } of image.blobs) {
    if ((await fetch(`${base}/blobs/${digest}`, { method: "HEAD", signal })).ok) continue;
    const upload = await request(`${base}/blobs/uploads/`, "POST", signal);
    const target = new URL(upload.headers.get("location") ?? "", registry);
    target.searchParams.set("digest", digest);
    await request(target.href, "PUT", signal, file, "application/octet-stream");
  }
  for (const { digest, file, mediaType } of image.manifests)
    await request(`${base}/manifests/${digest}`, "PUT", signal, file, mediaType);
  const { file, mediaType } = image.manifests.at(-1)!;
  for (const tag of tags) await request(`${base}/manifests/${tag}`, "PUT", signal, file, mediaType);
}

async function request(
  url: string,
  method: string,
  signal?: AbortSignal,
  file?: string,
  mediaType = "",
): Promise<Response> {
  const body = file === undefined ? undefined : Readable.toWeb(createReadStream(file));
  const headers =
    file === undefined ? undefined : { "content-type": mediaType, "content-length": String(statSync(file).size) };
  const response = await fetch(url, { method, signal, headers, body, duplex: "half" });
  if (!response.ok) throw new Error(`registry: ${method} ${url}: status ${response.status}: ${await response.text()}`);
  return response;
}
