/** One SSH connection: opened once, runs commands, closed. The caller retries (see `machine.ts`). */
import type { Duplex, Readable } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { formatHostKey, preferredAlgorithms } from "./hostkey.js";

const HANDSHAKE_MILLISECONDS = 15_000;
/** The last try, just before a deadline, must still be able to succeed. */
const LEAST_HANDSHAKE_MILLISECONDS = 1_000;
const KEEPALIVE_MILLISECONDS = 10_000;
/** A machine that boots on a busy host may be silent for a while. */
const KEEPALIVES_MISSED = 3;
/** Enough for a report of failed units, and a bound on what a broken machine can make us keep. */
const MAXIMUM_OUTPUT_BYTES = 64 * 1024;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** Address or name, `:port` after it where that is not 22, of the machine through which `host` is reached: for the same user, with the same key. */
  readonly bastion?: string | undefined;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Sent to the command's standard input, which is closed after it. */
  readonly stdin?: Readable;
  /** After this time the connection is given up. */
  readonly limitMilliseconds: number;
}

/** No connection, or it broke. Worth another try. */
export class ConnectionError extends Error {
  constructor(
    message: string,
    readonly reason: "network" | "authentication" | "host-key",
  ) {
    super(message);
  }
}

/** The key cannot be used at all. Not worth another try. */
class InvalidPrivateKey extends Error {}

export class Connection {
  private constructor(
    private readonly client: Client,
    /** The key that the machine showed: `<type> <base64>`. */
    readonly hostKey: string,
  ) {}

  /**
   * Connects once.
   * @param accept decides on the key that the machine shows, before anything is sent.
   * @param stream leads to the machine; not given: straight to its address.
   * @param milliseconds that it may take at most, if that is less than a handshake may take anyway.
   * @throws {ConnectionError} @throws {InvalidPrivateKey}
   */
  static async open(
    endpoint: Endpoint,
    recorded: string | undefined,
    accept: (hostKey: string) => boolean,
    signal: AbortSignal,
    stream?: Duplex,
    milliseconds = Infinity,
  ): Promise<Connection> {
    const { Client, utils } = (await import("ssh2")).default;
    const key = utils.parseKey(endpoint.privateKey);
    if (key instanceof Error)
      throw new InvalidPrivateKey(`privateKey is not a private key in OpenSSH's format (${key.message}).`);
    signal.throwIfAborted();
    const client = new Client();
    // What matters is handled where a command runs; an error without any listener would end the process.
    client.on("error", () => undefined);
    // Behind a bastion, each machine has one on the same connection.
    client.setMaxListeners(0);
    let shown = "";
    return new Promise<Connection>((resolve, reject) => {
      const abort = (): void => {
        client.destroy();
        reject(signal.reason as Error);
      };
      const fail = (error: Error & { level?: string; code?: string }): void => {
        signal.removeEventListener("abort", abort);
        client.destroy();
        const reason =
          error.level === "client-authentication"
            ? "authentication"
            : shown !== "" && /Host denied/.test(error.message)
              ? "host-key"
              : "network";
        reject(
          new ConnectionError(error.code === undefined ? error.message : `${error.code} (${error.message})`, reason),
        );
      };
      signal.addEventListener("abort", abort, { once: true });
      const closed = (): void => fail(new Error("the machine closed the connection"));
      client.on("error", fail).on("close", closed);
      client.once("ready", () => {
        signal.removeEventListener("abort", abort);
        client.off("error", fail).off("close", closed);
        resolve(new Connection(client, shown));
      });
      client.connect({
        ...(stream === undefined ? { host: endpoint.host, port: endpoint.port } : { sock: stream }),
        username: endpoint.user,
        privateKey: endpoint.privateKey,
        authHandler: ["publickey"],
        readyTimeout: Math.min(HANDSHAKE_MILLISECONDS, Math.max(LEAST_HANDSHAKE_MILLISECONDS, milliseconds)),
        keepaliveInterval: KEEPALIVE_MILLISECONDS,
        keepaliveCountMax: KEEPALIVES_MISSED,
        hostVerifier: (blob: Buffer) => {
          shown = formatHostKey(blob);
          return accept(shown);
        },
        algorithms: {
          kex: ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384"],
          cipher: ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com"],
          hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"],
          serverHostKey: preferredAlgorithms(recorded),
          compress: ["none"],
        },
      });
    });
  }

  /**
   * Runs a command to its end.
   * @throws {ConnectionError} when the connection breaks before the command has ended.
   */
  async run(command: string, options: CommandOptions): Promise<CommandResult> {
    const { signal } = options;
    signal.throwIfAborted();
    return new Promise<CommandResult>((resolve, reject) => {
      let settled = false;
      const settle = (finish: () => void): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.client.off("close", lost);
        options.stdin?.destroy();
        finish();
      };
      const abort = (): void =>
        settle(() => {
          this.close();
          reject(signal.reason as Error);
        });
      const lost = (): void => settle(() => reject(new ConnectionError("the connection broke", "network")));
      const timer = setTimeout(
        () =>
          settle(() => {
            this.close();
            reject(
              new ConnectionError(`a command gave no result within ${options.limitMilliseconds / 1000} s`, "network"),
            );
          }),
        options.limitMilliseconds,
      );
      signal.addEventListener("abort", abort, { once: true });
      this.client.on("close", lost);
      try {
        this.client.exec(command, (error, channel) => {
          if (error) {
            settle(() => reject(new ConnectionError(error.message, "network")));
            return;
          }
          collect(channel, options.stdin, (result) =>
            settle(() =>
              result === undefined ? reject(new ConnectionError("the connection broke", "network")) : resolve(result),
            ),
          );
        });
      } catch (error) {
        // ssh2 throws immediately when the connection is already closed.
        settle(() => reject(new ConnectionError((error as Error).message, "network")));
      }
    });
  }

  /**
   * A stream from the machine onward to another one.
   * @throws {ConnectionError} when the machine does not reach it.
   */
  forward(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => reject(new ConnectionError(error.message, "network"));
      const lost = (): void => refuse(new Error("the connection broke"));
      this.client.once("close", lost);
      try {
        this.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
          this.client.off("close", lost);
          if (error) refuse(error);
          else resolve(channel);
        });
      } catch (error) {
        // ssh2 throws immediately when the connection is already closed.
        refuse(error as Error);
      }
    });
  }

  onClose(listener: () => void): void {
    this.client.once("close", listener);
  }

  close(): void {
    this.client.end();
    this.client.destroy();
  }
}

/** Gathers a command's output; without an exit code the command was interrupted. */
function collect(
  channel: ClientChannel,
  stdin: Readable | undefined,
  done: (result: CommandResult | undefined) => void,
): void {
  const output = { stdout: "", stderr: "" };
  const gather = (name: "stdout" | "stderr") => (chunk: Buffer) => {
    output[name] = (output[name] + chunk.toString("utf8")).slice(-MAXIMUM_OUTPUT_BYTES);
  };
  channel.on("data", gather("stdout"));
  channel.stderr.on("data", gather("stderr"));
  channel.on("error", () => undefined);
  let code: number | undefined;
  channel.on("exit", (exit: number | null, signal?: string) => {
    code = exit ?? (signal === undefined ? undefined : 255);
  });
  channel.on("close", () => done(code === undefined ? undefined : { code, ...output }));
  if (stdin === undefined) channel.end();
  else {
    stdin.on("error", () => channel.close());
    stdin.pipe(channel);
  }
}
