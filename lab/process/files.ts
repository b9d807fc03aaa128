/** Files that are complete whenever they are there. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

/**
 * Writes a file through a temporary one beside it: readers see the old content or the new one, also after a crash of the
 * machine.
 * @param mode Permissions. @default 0o644
 */
export function writeAtomically(file: string, content: string | Uint8Array, mode = 0o644): void {
  const partial = `${file}.${process.pid}.new`;
  rmSync(partial, { force: true });
  const descriptor = openSync(partial, "w", mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
}

/** Makes or changes a symbolic link in one step: another process may be starting the program behind it at this moment. */
export function linkAtomically(target: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(path) === target) return;
  const fresh = `${path}.${process.pid}`;
  rmSync(fresh, { force: true });
  symlinkSync(target, fresh);
  renameSync(fresh, path);
}

/** The last lines of a text file, for error messages; `(empty)` when there is none. */
export function tail(file: string, lines = 15): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n") || "(empty)";
  } catch {
    return "(empty)";
  }
}
