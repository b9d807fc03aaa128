/**
 * Machines behind a bastion: one SSH connection to it for all of them, with a stream in it to each.
 *
 * The bastion is a way and nothing more. The connection inside checks the machine's own recorded host key and proves our key for
 * itself, so that a false bastion sees what a router sees. Its own key is remembered as long as the process lives.
 */
import type { Duplex } from "node:stream";
import { Connection, ConnectionError, type Endpoint } from "./connection.js";
import { fingerprint } from "./hostkey.js";

const DEFAULT_PORT = 22;

interface Shared {
  readonly connection: Promise<Connection>;
  /** Streams that are open, and those who wait for one. */
  users: number;
}

export class Bastions {
  readonly #shared = new Map<string, Shared>();
  readonly #hostKeys = new Map<string, string>();

  /**
   * A stream to the machine's SSH server; undefined where it is reached directly.
   * @throws {ConnectionError} @throws {InvalidPrivateKey}
   */
  async streamTo(endpoint: Endpoint, signal: AbortSignal): Promise<Duplex | undefined> {
    const { bastion } = endpoint;
    if (bastion === undefined) return undefined;
    const shared = this.#to(bastion, endpoint);
    shared.users += 1;
    const release = (): void => this.#release(shared);
    try {
      const connection = await abortable(shared.connection, signal);
      const stream = await abortable(connection.forward(endpoint.host, endpoint.port), signal, (late) => discard(late));
      stream.once("close", release);
      return stream;
    } catch (error) {
      release();
      if (!(error instanceof ConnectionError)) throw error;
      throw new ConnectionError(
        `through the bastion ${bastion}: ${error.message}`,
        error.reason === "host-key" ? "network" : error.reason,
      );
    }
  }

  #to(bastion: string, { user, privateKey }: Endpoint): Shared {
    const key = `${user}@${bastion}\n${privateKey}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const forget = (): void => {
      if (this.#shared.get(key) === made) this.#shared.delete(key);
    };
    const connection = this.#open(bastion, { ...addressOf(bastion), user, privateKey });
    const made: Shared = { connection, users: 0 };
    this.#shared.set(key, made);
    connection.then((opened) => opened.onClose(forget), forget);
    return made;
  }

  /** Without anybody's signal: others may have come to wait for it. The handshake has a time limit of its own. */
  async #open(bastion: string, endpoint: Endpoint): Promise<Connection> {
    const recorded = this.#hostKeys.get(bastion);
    let other: string | undefined;
    const accept = (shown: string): boolean => {
      if (recorded !== undefined && recorded !== shown) other = shown;
      return other === undefined;
    };
    try {
      const connection = await Connection.open(endpoint, recorded, accept, new AbortController().signal);
      this.#hostKeys.set(bastion, connection.hostKey);
      return connection;
    } catch (error) {
      if (other === undefined || recorded === undefined) throw error;
      throw new ConnectionError(
        `it shows another SSH host key (${fingerprint(other)}) than before in this run (${fingerprint(recorded)})`,
        "host-key",
      );
    }
  }

  #release(shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.connection.then(
      (connection) => (shared.users > 0 ? undefined : connection.close()),
      () => undefined,
    );
  }
}

/** One for the whole process. */
export const bastions = new Bastions();

function addressOf(bastion: string): { host: string; port: number } {
  const [, host, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(bastion) ?? [];
  // More than one colon: an IPv6 address by itself.
  return port === undefined || host === undefined || (host.includes(":") && !bastion.startsWith("["))
    ? { host: bastion, port: DEFAULT_PORT }
    : { host, port: Number(port) };
}

/** Ends an unread stream: it closes only when its data has been read. */
export function discard(stream: Duplex): void {
  stream.resume().destroy();
}

/** @param late what to do with a result that comes after the interruption. */
async function abortable<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  late?: (result: Result) => void,
): Promise<Result> {
  signal.throwIfAborted();
  return new Promise<Result>((resolve, reject) => {
    const abort = (): void => {
      work.then(late, () => undefined);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
