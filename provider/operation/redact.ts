/** Takes secrets out of text that a machine sent us, before anybody sees it. */

const MARK = "[secret]";
/** Shorter lines (`}` or `apiVersion: v1`) tell nothing and would blank ordinary words. */
const SHORTEST = 20;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Replaces every secret, also a single line of it, and anything that looks like a private key. */
export function redact(text: string, secrets: readonly string[]): string {
  const lines = secrets.flatMap((secret) => secret.split("\n")).map((line) => line.trim());
  let clean = text.replace(PRIVATE_KEY, MARK);
  for (const line of new Set(lines)) {
    if (line.length >= SHORTEST) clean = clean.replaceAll(line, MARK);
  }
  return clean;
}

/** Which of the delivered files are secret: keys, and what holds keys or tokens. */
export function secretContents(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files)
    .filter(([name]) => name.endsWith(".key") || name.endsWith(".kubeconfig") || name === "encryption.yaml")
    .map(([, content]) => content);
}
