/** Names that the plugin makes when the program gives none, as the official plugins do. */
import { createHash } from "node:crypto";

/** `<name>-<seven hex digits>`: the same in the preview and the update after it. */
export function autoname(name: string, seed: Uint8Array, digits = 7, separator = "-"): string {
  return `${name}${separator}${createHash("sha256").update(seed).digest("hex").slice(0, digits)}`;
}
