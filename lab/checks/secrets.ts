/** Looking for secrets where none may be: texts, user-data with its packed contents, files, processes. */
import { gunzipSync } from "node:zlib";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const marker = "PRIVATE KEY-----";

/**
 * Base64 of the marker at each of the three places where it can begin in a group of three bytes, without the characters
 * that depend on what stands around it.
 */
const packedMarkers = [0, 1, 2].map((offset) => {
  const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(marker)]).toString("base64");
  return encoded.slice(offset === 0 ? 0 : offset + 1, -4);
});

/** A bootstrap token as kubeadm and the API define it; at least one digit in the secret half sorts out words. */
const bootstrapToken = /(?<![a-z0-9./_-])[a-z0-9]{6}\.(?=[a-z0-9]*[0-9])[a-z0-9]{16}(?![a-z0-9._-])/;

/** What a text gives away, in words that do not repeat it; empty when nothing. */
export function findSecrets(text: string): string[] {
  const found: string[] = [];
  if (text.includes(marker)) found.push("a private key (PEM)");
  if (packedMarkers.some((packed) => text.includes(packed))) found.push("a private key (PEM in base64)");
  const token = bootstrapToken.exec(text);
  if (token) found.push(`a bootstrap token (${token[0].slice(0, 6)}.***)`);
  return found;
}

/** How deep contents may be packed in one another: user-data, the configuration in it, a file of that, and one to spare. */
const deepest = 4;

/** User-data with every packed content laid open, also of what is packed in it: `data:` addresses, base64, gzip. */
export function unpackUserData(userData: string, depth = 0): string {
  const texts = [userData];
  for (const match of userData.matchAll(/data:[^,"\\]*,([^"\\]*)/g)) {
    const body = match[1] ?? "";
    const isBase64 = match[0].slice(0, match[0].indexOf(",")).endsWith(";base64");
    const bytes = isBase64 ? Buffer.from(decodeURIComponent(body), "base64") : Buffer.from(decodeURIComponent(body));
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const text = (isPacked ? gunzipSync(bytes) : bytes).toString("utf8");
    texts.push(depth < deepest ? unpackUserData(text, depth + 1) : text);
  }
  return texts.join("\n");
}

/** Files below a folder, without following links. */
function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** `file: secret found` for every file below the folders; files above 64 MB are skipped. */
export function scanFiles(paths: readonly string[]): string[] {
  const problems: string[] = [];
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) continue;
    for (const file of stats.isDirectory() ? filesBelow(path) : [path]) {
      if (statSync(file).size > 64 << 20) continue;
      problems.push(...findSecrets(readFileSync(file, "latin1")).map((what) => `${file}: ${what}`));
    }
  }
  return problems;
}

/** Command lines of all processes of this machine; a region's machines are among them. */
export function commandLines(): { readonly pid: number; readonly text: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [{ pid: Number(name), text: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return []; // Ended in the meantime.
      }
    });
}

/** Looks at the command lines of all processes five times a second until stopped; returns what they gave away. */
export function watchProcesses(): { stop(): string[] } {
  const problems = new Set<string>();
  const look = (): void => {
    for (const { pid, text } of commandLines()) {
      for (const what of findSecrets(text)) problems.add(`process ${pid} (${text.split(" ")[0] ?? ""}): ${what}`);
    }
  };
  const timer = setInterval(look, 200);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      look();
      return [...problems];
    },
  };
}
