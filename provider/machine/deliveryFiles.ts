/** Files to deliver: their digest, and the archive in which they are sent. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { completeFile, type DeliveredFileName } from "../../components/contract/secretFiles.js";

/** File name to content. */
export type Files = Readonly<Record<string, string>>;

/** The files that stay on a worker that has joined. */
export function workerFiles(server: string, caCertificate: string): Files {
  return {
    ["ca.crt" satisfies DeliveredFileName]: caCertificate,
    ["cluster.env" satisfies DeliveredFileName]: `API_SERVER=${server}\n`,
  };
}

/** SHA-256 over names and contents, independent of their order: shows that something changed, and reveals nothing else. */
export function digest(files: Files): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(files).sort()) {
    const content = files[name] ?? "";
    hash.update(`${name}\n${Buffer.byteLength(content)}\n${content}\n`);
  }
  return `sha256:${hash.digest("hex")}`;
}

/** The files as a tar stream, each 0600 and owned by root. */
export function archive(files: Files): Readable {
  const stream = pack();
  for (const name of [...Object.keys(files).sort(), completeFile]) {
    stream.entry({ name, mode: 0o600, uid: 0, gid: 0 }, files[name] ?? "");
  }
  stream.finalize();
  // tar-stream has a stream type of its own.
  return Readable.from(stream);
}
