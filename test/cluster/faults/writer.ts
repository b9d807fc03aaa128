/**
 * A client that writes and reads through the API continuously and checks afterwards what was acknowledged.
 *
 * Every write creates a new object, so a late or repeated write can neither hide nor fake a loss: an object whose creation was
 * acknowledged must exist at the end, with its value. A write that was not acknowledged is retried under the same name; if the
 * object exists already, that acknowledges the previous attempt.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { z } from "zod";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../lab/process/until.js";
import { ApiClient, type Answer } from "./client.js";
import { figures, type Figures, type Operation } from "./figures.js";

interface WriterOptions {
  /** Text of the administrator's kubeconfig; its server is the public endpoint. */
  readonly kubeconfig: string;
  /** Writes per second at most, and as many reads. @default 5 */
  readonly rate?: number;
  /** Milliseconds for one request, connecting included. @default 2500 */
  readonly requestLimit?: number;
}

export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged writes that are missing or have another value. */
  readonly lost: readonly string[];
  /** Reads that did not return an acknowledged write. */
  readonly stale: readonly string[];
}

const pageSchema = z.object({
  metadata: z.object({ continue: z.string().optional() }),
  items: z.array(
    z.object({ metadata: z.object({ name: z.string() }), data: z.record(z.string(), z.string()).optional() }),
  ),
});

/** Seconds after which it stops. */
const timeLimit = 3_600;
/** Writes after which it stops. */
const writeLimit = 20_000;

/** Seconds that the API may take to answer when no fault is active. */
const patience = 120;

export class Writer {
  /** Of the objects; created by `start`, removed by `remove`. */
  readonly namespace = `corekube-faults-${Date.now()}`;
  private readonly rate: number;
  private readonly requestLimit: number;
  private readonly operations: Operation[] = [];
  /** Acknowledged names to values. */
  private readonly acknowledged = new Map<string, string>();
  private readonly names: string[] = [];
  private readonly lag = monitorEventLoopDelay({ resolution: 20 });
  private readonly clients: ApiClient[] = [];
  private loops: readonly Promise<void>[] = [];
  private stopping = false;
  private began = 0;

  constructor(private readonly options: WriterOptions) {
    this.rate = options.rate ?? 5;
    this.requestLimit = options.requestLimit ?? 2500;
  }

  /** Creates the namespace and starts; resolves after the first successful write and read. @throws Error when there is none. */
  async start(): Promise<void> {
    const client = this.client(10_000);
    await this.insist("namespace", async () => {
      const answer = await client.call("POST", "/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: this.namespace },
      });
      if (answer.status !== 201 && answer.status !== 409) throw new Error(summaryOf(answer));
    });
    this.began = Date.now();
    this.lag.enable();
    const end = this.began + timeLimit * 1000;
    this.loops = [this.write(end), this.read(end)];
    await this.insist("first write and first read", () => {
      const { write, read } = this.figures();
      return Promise.resolve(write.succeeded > 0 && read.succeeded > 0);
    });
  }

  /** Stops writing and reading; the objects stay. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.loops);
    this.lag.disable();
  }

  /** Counts and pauses between two moments (milliseconds since the epoch). @default from the start until now */
  figures(from = this.began, to = Date.now()): Figures {
    return figures(this.operations, from, to);
  }

  /** Longest delay of this program itself, in milliseconds: a pause of that length is not the cluster's. */
  ownLag(): number {
    return this.lag.max / 1e6;
  }

  /** Names of acknowledged objects, oldest first. */
  acknowledgedNames(): readonly string[] {
    return this.names;
  }

  /** Lists the objects and compares. @throws Error when the API does not answer within two minutes. */
  async verify(): Promise<Verdict> {
    const expected = new Map(this.acknowledged);
    const found = await this.insist("list of what was written", () => this.list());
    const lost = [...expected].flatMap(([name, value]) => {
      const got = found.get(name);
      return got === value
        ? []
        : [`${name}: got ${got === undefined ? "nothing" : `"${got}"`}, acknowledged was "${value}"`];
    });
    const stale = this.operations
      .filter(({ outcome }) => outcome === "stale")
      .map(({ key, error, ended }) => `${key} at ${new Date(ended).toISOString()}: ${error ?? ""}`);
    return { acknowledged: expected.size, lost, stale };
  }

  /** Stops, removes the namespace with all objects and closes the connections. */
  async remove(): Promise<void> {
    await this.stop();
    const client = this.client(10_000);
    await this.insist("removal of the namespace", async () => {
      const answer = await client.call("DELETE", `/api/v1/namespaces/${this.namespace}`);
      if (answer.status >= 300 && answer.status !== 404 && answer.status !== 409) throw new Error(summaryOf(answer));
    });
    for (const open of this.clients) open.close();
  }

  private client(limit: number): ApiClient {
    const client = new ApiClient(this.options.kubeconfig, limit);
    this.clients.push(client);
    return client;
  }

  private async write(end: number): Promise<void> {
    const client = this.client(this.requestLimit);
    for (let count = 0; this.active(end) && count < writeLimit; count++) {
      const name = `write-${String(count).padStart(6, "0")}`;
      const value = `${count}-${Date.now()}`;
      const object = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace: this.namespace },
        data: { value },
      };
      while (this.active(end)) {
        const done = await this.operation("write", name, async () => {
          const answer = await client.call("POST", this.path(), object);
          if (answer.status !== 201 && answer.status !== 409) throw new Error(summaryOf(answer));
          this.acknowledged.set(name, value);
          this.names.push(name);
          return undefined;
        });
        if (done) break;
      }
    }
  }

  /** Reads the newest and a random acknowledged object in turn. */
  private async read(end: number): Promise<void> {
    const client = this.client(this.requestLimit);
    for (let count = 0; this.active(end); count++) {
      const name = count % 2 === 0 ? this.names.at(-1) : this.names[Math.floor(Math.random() * this.names.length)];
      if (name === undefined) {
        await sleep(50);
        continue;
      }
      await this.operation("read", name, async () => {
        const answer = await client.call("GET", this.path(name));
        if (answer.status === 404) return "acknowledged, but not found";
        if (answer.status !== 200) throw new Error(summaryOf(answer));
        const value = (JSON.parse(answer.body) as { data?: { value?: string } }).data?.value;
        return value === this.acknowledged.get(name)
          ? undefined
          : `got "${value ?? ""}", acknowledged was "${this.acknowledged.get(name) ?? ""}"`;
      });
    }
  }

  /** Runs and records one operation, then waits for the next turn. `work` returns why a read is stale, if it is. Returns whether it succeeded. */
  private async operation(
    kind: Operation["kind"],
    key: string,
    work: () => Promise<string | undefined>,
  ): Promise<boolean> {
    const began = Date.now();
    let outcome: Operation["outcome"] = "ok";
    let error: string | undefined;
    try {
      error = await work();
      if (error !== undefined) outcome = "stale";
    } catch (thrown) {
      outcome = "failed";
      error = kindOf(thrown);
    }
    this.operations.push({ kind, key, began, ended: Date.now(), outcome, ...(error === undefined ? {} : { error }) });
    await sleep(Math.max(0, began + 1000 / this.rate - Date.now()));
    return outcome === "ok";
  }

  private async list(): Promise<Map<string, string>> {
    const client = this.client(30_000);
    const found = new Map<string, string>();
    let next = "";
    do {
      const answer = await client.call(
        "GET",
        `${this.path()}?limit=500${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`,
      );
      if (answer.status !== 200) throw new Error(summaryOf(answer));
      const page = pageSchema.parse(JSON.parse(answer.body));
      for (const item of page.items) found.set(item.metadata.name, item.data?.["value"] ?? "");
      next = page.metadata.continue ?? "";
    } while (next !== "");
    return found;
  }

  /** Retries for as long as the API may need when no fault is active. */
  private insist<T>(what: string, attempt: () => Promise<T | false>): Promise<T> {
    return until(what, { timeout: patience * 1000, pause: 500 }, attempt);
  }

  private active(end: number): boolean {
    return !this.stopping && Date.now() < end;
  }

  private path(name?: string): string {
    return `/api/v1/namespaces/${this.namespace}/configmaps${name === undefined ? "" : `/${name}`}`;
  }
}

function summaryOf(answer: Answer): string {
  const read = z.object({ message: z.string() }).safeParse(safeJson(answer.body));
  return `${answer.status} ${read.success ? read.data.message.slice(0, 120) : ""}`.trim();
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An error without object names and local ports, so that equal errors are counted together. */
function kindOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/write-\d+/g, "...")
    .replace(/ - Local \(.*\)$/, "")
    .slice(0, 160);
}
