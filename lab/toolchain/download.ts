/** Official files from where their projects publish them, taken only when their pinned checksum fits. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../progress.js";
import type { PinnedFile } from "./versions.js";

export interface DownloadOptions {
  /**
   * Where the originals are looked for: `<base>/<host of the original>/<path>` instead of `https://<host>/<path>`;
   * "off": nowhere.
   * @default the value of COREKUBE_DOWNLOADS; the originals themselves when that is unset
   */
  readonly base?: string;
  /** Longest time until a host answers for the first time, milliseconds. @default 3000 */
  readonly probeTimeout?: number;
  /** Longest time without new data in a download, milliseconds. @default 30000 */
  readonly stallTimeout?: number;
  /** Pause before a download is resumed, milliseconds. @default 1000 */
  readonly retryPause?: number;
}

/** A file that cannot be had; what it is for is built from source instead. */
export class DownloadFailed extends Error {
  override readonly name = "DownloadFailed";
}

/** How often a download is started or resumed. */
const attempts = 3;

export class Downloads {
  private readonly base: string;
  private readonly probeTimeout: number;
  private readonly stallTimeout: number;
  private readonly retryPause: number;
  /** Why a host cannot be used, by host; asked once. */
  private readonly probes = new Map<string, Promise<string | undefined>>();
  /** Authorization that a registry requires, by the address of the repository. */
  private readonly tokens = new Map<string, string>();

  constructor(options: DownloadOptions = {}) {
    this.base = (options.base ?? process.env["COREKUBE_DOWNLOADS"] ?? "").replace(/\/$/, "");
    this.probeTimeout = options.probeTimeout ?? 3_000;
    this.stallTimeout = options.stallTimeout ?? 30_000;
    this.retryPause = options.retryPause ?? 1_000;
  }

  /**
   * Downloads a file to `target`, which is there only when it is complete and its checksum fits. A download that breaks
   * off is resumed.
   * @param headers of the request.
   * @throws DownloadFailed that says why; `progress.signal.reason` when interrupted.
   */
  async fetch(
    file: PinnedFile,
    target: string,
    progress: Progress,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const address = this.address(file.url);
    await this.probe(file.url, progress.signal);
    const partial = `${target}.partial`;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const problem = await this.stream(address, partial, headers, progress);
        if (problem === undefined) break;
        progress.signal?.throwIfAborted();
        if (problem.final || attempt === attempts) throw new DownloadFailed(`${address}: ${problem.reason}`);
        progress.report(`${address}: ${problem.reason}; resuming (attempt ${attempt + 1} of ${attempts})`);
        await sleep(this.retryPause, undefined, { signal: progress.signal });
      }
      const digest = await fileDigest(partial);
      if (digest !== file.sha256)
        throw new DownloadFailed(
          `${address}: WRONG CHECKSUM, refused: got sha256 ${digest}, pinned is ${file.sha256}. The file was changed at ` +
            "its origin or on its way; compare with the checksums that its project publishes",
        );
      renameSync(partial, target);
    } finally {
      rmSync(partial, { force: true });
    }
  }

  private address(url: string): string {
    if (this.base === "") return url;
    if (this.base === "off") throw new DownloadFailed("downloads are switched off (COREKUBE_DOWNLOADS=off)");
    const { host, pathname, search } = new URL(url);
    return `${this.base}/${host}${pathname}${search}`;
  }

  /** @throws DownloadFailed when the file's host does not answer. */
  private async probe(url: string, signal?: AbortSignal): Promise<void> {
    const { origin, host } = new URL(url);
    const address = `${this.address(origin)}`;
    let probe = this.probes.get(host);
    if (!probe) {
      probe = fetch(address, { method: "HEAD", redirect: "manual", signal: limited(this.probeTimeout, signal) }).then(
        // A proxy that forbids a host answers with 403 or 407; the hosts themselves never do.
        ({ status }) => ([403, 407, 502, 503, 504].includes(status) ? `${host} answers ${status}` : undefined),
        (error: unknown) => `${host} does not answer (${reasonOf(error)})`,
      );
      this.probes.set(host, probe);
    }
    const problem = await probe;
    signal?.throwIfAborted();
    if (problem !== undefined) throw new DownloadFailed(problem);
  }

  /** Downloads what is missing of `partial`. Returns what went wrong; `final`: trying again is of no use. */
  private async stream(
    address: string,
    partial: string,
    headers: Readonly<Record<string, string>>,
    progress: Progress,
  ): Promise<{ reason: string; final: boolean } | undefined> {
    const stalled = new AbortController();
    const timer = setTimeout(
      () => stalled.abort(new Error(`no data for ${this.stallTimeout / 1000} s`)),
      this.stallTimeout,
    );
    const signal = progress.signal ? AbortSignal.any([stalled.signal, progress.signal]) : stalled.signal;
    try {
      let received = statSync(partial, { throwIfNoEntry: false })?.size ?? 0;
      const range = received > 0 ? { range: `bytes=${received}-` } : undefined;
      const response = await this.authorized(address, { ...headers, ...range }, signal);
      if (!response.ok || !response.body)
        return { reason: `status ${response.status}`, final: response.status < 500 && response.status !== 429 };
      if (response.status !== 206) received = 0;
      const total = received + Number(response.headers.get("content-length") ?? 0);
      let reported = Date.now();
      const watch = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
        for await (const chunk of chunks) {
          timer.refresh();
          received += chunk.length;
          if (Date.now() - reported > 5_000) {
            reported = Date.now();
            progress.report(`${address}: ${megabytes(received)} of ${megabytes(total)}`);
          }
          yield chunk;
        }
      };
      const file = createWriteStream(partial, { flags: received > 0 ? "a" : "w" });
      await pipeline(Readable.fromWeb(response.body), watch, file, { signal });
      return undefined;
    } catch (error) {
      return { reason: reasonOf(stalled.signal.aborted ? stalled.signal.reason : error), final: false };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Image registries hand out a token for anonymous downloads to those who ask where their answer 401 says. */
  private async authorized(
    address: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const repository = address.replace(/\/(manifests|blobs)\/[^/]*$/, "");
    const ask = (): Promise<Response> => {
      const token = this.tokens.get(repository);
      return fetch(address, { headers: token ? { ...headers, authorization: `Bearer ${token}` } : headers, signal });
    };
    const response = await ask();
    const challenge = response.headers.get("www-authenticate") ?? "";
    if (response.status !== 401 || !/^bearer /i.test(challenge)) return response;
    const pairs = [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]): [string, string] => [
      name!,
      value!,
    ]);
    const fields = new URLSearchParams(pairs);
    const realm = this.address(fields.get("realm") ?? "");
    fields.delete("realm");
    const answer = await fetch(`${realm}?${fields.toString()}`, { signal });
    const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
    this.tokens.set(repository, token ?? access_token ?? "");
    return ask();
  }
}

/** SHA-256 of a file, hexadecimal. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

function limited(timeout: number, signal?: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([AbortSignal.timeout(timeout), signal]) : AbortSignal.timeout(timeout);
}

/** The cause inside "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
