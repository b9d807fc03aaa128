/** Files to deliver: their digest, and their form on the wire. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pack } from "tar-stream";

/** File name to content. */
export type Files = Readonly<Record<string, string>>;

/** Sent last and empty: where it is, every other file is. The machine's path unit waits for it. */
export const COMPLETE_FILE = "complete";

/** A plain name, so that a delivery cannot write outside its directory. */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** SHA-256 over names and contents, independent of their order: shows that something changed, and nothing else. */
export function digest(files: Files): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(files).sort()) {
    const content = files[name] ?? "";
    hash.update(`${name}\n${Buffer.byteLength(content)}\n${content}\n`);
  }
  return `sha256:${hash.digest("hex")}`;
}

/** The files as a tar stream, each 0600 and root's. */
export function archive(files: Files): Readable {
  const stream = pack();
  for (const name of [...Object.keys(files).sort(), COMPLETE_FILE]) {
    stream.entry({ name, mode: 0o600, uid: 0, gid: 0 }, files[name] ?? "");
  }
  stream.finalize();
  // tar-stream brings its own kind of stream.
  return Readable.from(stream);
}
