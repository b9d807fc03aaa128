/** Removes secrets from text that a machine sent, before it is shown. */

import { isSecretFile } from "../../components/contract/secretFiles.js";

const MARK = "[secret]";
/** Shorter lines (`}` or `apiVersion: v1`) reveal nothing, and replacing them would hide ordinary words. */
const SHORTEST = 20;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Replaces every secret, every single line of it, and anything that looks like a private key. */
export function redact(text: string, secrets: readonly string[]): string {
  const lines = secrets.flatMap((secret) => secret.split("\n")).map((line) => line.trim());
  let clean = text.replace(PRIVATE_KEY, MARK);
  for (const line of new Set(lines)) {
    if (line.length >= SHORTEST) clean = clean.replaceAll(line, MARK);
  }
  return clean;
}

/** Contents of the delivered files that are secret. */
export function secretContents(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files)
    .filter(([name]) => isSecretFile(name))
    .map(([, content]) => content);
}
