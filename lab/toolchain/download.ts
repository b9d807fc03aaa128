/**
 * Official files from where their projects publish them: taken only when their checksum is pinned, and only when the
 * place answers.
 */
import { createHash } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Progress } from "../progress.js";
import type { PinnedFile } from "./versions.js";

export interface DownloadOptions {
  /**
   * Where the originals are looked for: `<base>/<host of the original>/<path>` instead of `https://<host>/<path>`.
   * @default the value of COREKUBE_DOWNLOADS_BASE; the originals themselves when that is unset. "off" means: nowhere.
   */
  readonly base?: string;
  /** How long a place may take to answer the first time, milliseconds. @default 3000 */
  readonly probeTimeout?: number;
  /** How long a running download may stay without new data, milliseconds. @default 30000 */
  readonly stallTimeout?: number;
}

/** What did not work, in a way that building the tool instead makes up for. */
export class DownloadUnavailable extends Error {
  override readonly name = "DownloadUnavailable";
}

export class Downloads {
  private readonly base: string | undefined;
  private readonly probeTimeout: number;
  private readonly stallTimeout: number;
  /** Whether a host answered, asked once a run. */
  private readonly probes = new Map<string, Promise<string | undefined>>();

  constructor(options: DownloadOptions = {}) {
    this.base = options.base ?? process.env["COREKUBE_DOWNLOADS_BASE"];
    this.probeTimeout = options.probeTimeout ?? 3_000;
    this.stallTimeout = options.stallTimeout ?? 30_000;
  }

  /**
   * Downloads an official file to `target`.
   * @throws DownloadUnavailable when the place does not answer or has no such file; Error when what came is not what is
   *   pinned; `progress.signal.reason` when interrupted. `target` is left only when it is complete and verified.
   */
  async fetch(file: PinnedFile, target: string, progress: Progress): Promise<void> {
    const address = this.address(file.url);
    const problem = await this.probe(new URL(address).origin, progress.signal);
    if (problem !== undefined) throw new DownloadUnavailable(problem);
    try {
      const digest = await this.stream(address, target, progress);
      if (digest !== file.sha256) {
        throw new Error(
          `${address}: checksum is sha256 ${digest}, versions.json pins ${file.sha256}; the file was changed on its way or at its origin: ` +
            "do not use it, and compare with the checksums that its project publishes",
        );
      }
    } catch (error) {
      rmSync(target, { force: true });
      progress.signal?.throwIfAborted();
      throw error;
    }
  }

  private address(url: string): string {
    if (this.base === undefined || this.base === "") return url;
    if (this.base === "off") throw new DownloadUnavailable("downloads are switched off (COREKUBE_DOWNLOADS_BASE=off)");
    const { host, pathname } = new URL(url);
    return `${this.base.replace(/\/$/, "")}/${host}${pathname}`;
  }

  /** Why the place cannot be used; undefined when it answers. */
  private probe(origin: string, signal?: AbortSignal): Promise<string | undefined> {
    let probe = this.probes.get(origin);
    if (!probe) {
      probe = fetch(origin, { method: "HEAD", redirect: "manual", signal: limited(this.probeTimeout, signal) }).then(
        // A proxy that forbids the place answers in its stead; the place itself never says 403 or 407 to this.
        (response) =>
          [403, 407, 502, 503].includes(response.status) ? `${origin} answers ${response.status}` : undefined,
        (error: unknown) => `${origin} does not answer (${reasonOf(error)})`,
      );
      this.probes.set(origin, probe);
    }
    return probe.then((result) => {
      signal?.throwIfAborted();
      return result;
    });
  }

  private async stream(address: string, target: string, progress: Progress): Promise<string> {
    const stalled = new AbortController();
    let timer = setTimeout(() => undefined, 0);
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => stalled.abort(new Error(`no data for ${this.stallTimeout / 1000} s`)),
        this.stallTimeout,
      );
    };
    const signal = progress.signal ? AbortSignal.any([stalled.signal, progress.signal]) : stalled.signal;
    const hash = createHash("sha256");
    let received = 0;
    let told = Date.now();
    alive();
    try {
      const response = await fetch(address, { signal });
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      const total = Number(response.headers.get("content-length") ?? 0);
      const watch = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          alive();
          hash.update(chunk);
          received += chunk.length;
          if (Date.now() - told > 5_000) {
            told = Date.now();
            progress.report(`${address}: ${megabytes(received)}${total ? ` of ${megabytes(total)}` : ""}`);
          }
          done(null, chunk);
        },
      });
      await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(target), { signal });
      return hash.digest("hex");
    } catch (error) {
      throw new DownloadUnavailable(
        `${address}: ${stalled.signal.aborted ? (stalled.signal.reason as Error).message : reasonOf(error)}`,
      );
    } finally {
      clearTimeout(timer);
    }
  }
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
