/**
 * Unpacks user-data: Ignition (plain or nested), cloud-config, scripts, MIME parts, and content packed in them as data URL, base64 or
 * gzip, to any depth that a machine would read.
 */
import { gunzipSync } from "node:zlib";

/** A readable piece of user-data. */
export interface Layer {
  /** Where it was found, such as `user-data > /etc/motd`. */
  readonly where: string;
  readonly text: string;
}

export interface Unpacked {
  /** Inner layers come before the outer ones. */
  readonly layers: readonly Layer[];
  /** Places with content that could not be unpacked; such user-data must not pass a rule. */
  readonly unreadable: readonly string[];
}

/** Limits against decompression bombs. */
const maximumBytes = 8 * 1024 * 1024;
const maximumDepth = 10;

const dataUrl = /data:[\w.+/-]*((?:;[\w.+=-]+)*),([^\s"'\\<>`]*)/g;
/** Base64 in a text: one run, or lines of a fixed width and a shorter last one. */
const base64 = /(?:[A-Za-z0-9+/]{40,}\r?\n[ \t]*)*[A-Za-z0-9+/]{2,}={0,2}/g;
const shortestBase64 = 20;

const remembered = new Map<string, Unpacked>();

/** Caches the last results, because machines of a pool have the same user-data. */
export function unpack(userData: string): Unpacked {
  const known = remembered.get(userData);
  if (known) return known;
  const result = new Unpacker().run(userData);
  if (remembered.size >= 16) remembered.clear();
  remembered.set(userData, result);
  return result;
}

class Unpacker {
  readonly #layers: Layer[] = [];
  readonly #unreadable: string[] = [];
  #bytes = 0;

  run(userData: string): Unpacked {
    this.#text(userData, "user-data", 0);
    return { layers: this.#layers, unreadable: this.#unreadable };
  }

  #text(text: string, where: string, depth: number): void {
    this.#bytes += text.length;
    if (depth > maximumDepth || this.#bytes > maximumBytes) {
      this.#unreadable.push(where);
      return;
    }
    const document = jsonObject(text);
    if (document === undefined) this.#search(text, where, depth);
    else this.#walk(document, where, depth);
    this.#layers.push({ where, text });
  }

  /** Strings of a JSON document, under the name of the file or unit that they belong to. */
  #walk(value: unknown, where: string, depth: number): void {
    if (typeof value === "string") this.#string(value, where, depth);
    else if (Array.isArray(value)) for (const item of value) this.#walk(item, where, depth);
    else if (typeof value === "object" && value !== null) {
      const { path, name } = value as { path?: unknown; name?: unknown };
      const label = typeof path === "string" ? path : typeof name === "string" ? name : undefined;
      for (const item of Object.values(value))
        this.#walk(item, label === undefined ? where : `${where} > ${label}`, depth);
    }
  }

  /** A single line is searched as part of its document. */
  #string(text: string, where: string, depth: number): void {
    if (text.includes("\n")) this.#text(text, where, depth + 1);
    else this.#search(text, where, depth);
  }

  #search(text: string, where: string, depth: number): void {
    const rest = text.replace(dataUrl, (_, options: string, payload: string) => {
      this.#packed(
        options.includes(";base64") ? Buffer.from(unescaped(payload), "base64") : Buffer.from(unescaped(payload)),
        where,
        depth,
        true,
      );
      return " ";
    });
    for (const [found] of rest.matchAll(base64)) {
      const packed = found.replace(/\s+/g, "");
      if (packed.length >= shortestBase64) this.#packed(Buffer.from(packed, "base64"), where, depth, false);
    }
  }

  /** @param sure The content is known to be packed; otherwise it may be any text in the alphabet of base64. */
  #packed(bytes: Buffer, where: string, depth: number, sure: boolean): void {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      try {
        this.#packed(gunzipSync(bytes, { maxOutputLength: maximumBytes }), where, depth + 1, true);
      } catch {
        this.#unreadable.push(where);
      }
      return;
    }
    const text = bytes.toString("utf8");
    // Without `sure`: a result with control characters or invalid UTF-8 was not packed text.
    if (sure || !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.test(text)) this.#text(text, where, depth + 1);
  }
}

function jsonObject(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

/** Decodes percent escapes; leaves invalid ones unchanged. */
function unescaped(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}
