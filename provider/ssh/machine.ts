/** A machine reached over SSH: connects when needed, again when the connection breaks, until the deadline. */
import type { Readable } from "node:stream";
import type { Progress } from "../operation/progress.js";
import { pause, type Deadline } from "../operation/timing.js";
import { bastions, discard } from "./bastion.js";
import { Connection, ConnectionError, type CommandResult, type Endpoint } from "./connection.js";
import { HostKeyChanged } from "./hostkey.js";

/** Keys of the cloud account arrive on a machine shortly after its SSH server starts. */
const AUTHENTICATION_SECONDS = 120;
const COMMAND_MILLISECONDS = 60_000;
const FIRST_WAIT_MILLISECONDS = 500;
const LONGEST_WAIT_MILLISECONDS = 5_000;

export interface Wait {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly progress: Progress;
}

export interface RootCommand {
  /** A bash script. It is visible in the process list: it must not contain a secret. */
  readonly script: string;
  /** Standard input of the script; opened again for every try. */
  readonly stdin?: () => Readable;
  readonly limitMilliseconds?: number;
  /** Shown while it runs, for one that takes longer than a few seconds. */
  readonly phase?: string;
}

/** No SSH in time. */
export class Unreachable extends Error {}

export class Machine {
  #connection: Connection | undefined;
  #hostKey: string | undefined;

  constructor(
    readonly name: string,
    private readonly endpoint: Endpoint,
    recordedHostKey: string | undefined,
    private readonly wait: Wait,
  ) {
    this.#hostKey = recordedHostKey;
  }

  /** The recorded key, or the one shown at the first connection. */
  get hostKey(): string | undefined {
    return this.#hostKey;
  }

  get address(): string {
    return this.endpoint.port === 22 ? this.endpoint.host : `${this.endpoint.host}:${this.endpoint.port}`;
  }

  /** The user's command to log in. */
  get login(): string {
    const { bastion, user } = this.endpoint;
    return `ssh ${bastion === undefined ? "" : `-J ${user}@${bastion} `}${this.endpoint.port === 22 ? "" : `-p ${this.endpoint.port} `}${this.endpoint.user}@${this.endpoint.host}`;
  }

  /**
   * Runs a script as root; runs it again when the connection breaks, so the script must be idempotent.
   * @throws {Unreachable} @throws {HostKeyChanged}
   */
  async root(command: RootCommand): Promise<CommandResult> {
    for (;;) {
      const connection = await this.connect();
      if (command.phase !== undefined) this.wait.progress.phase(command.phase, false);
      try {
        return await connection.run(`sudo -n -- /bin/bash -c ${quote(command.script)}`, {
          signal: this.wait.signal,
          limitMilliseconds: command.limitMilliseconds ?? COMMAND_MILLISECONDS,
          ...(command.stdin && { stdin: command.stdin() }),
        });
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        this.close();
        if (this.wait.deadline.passed)
          throw new Unreachable(
            `${this.name} (${this.address}): ${error.message}, and the time limit of ${this.wait.deadline.seconds} s has passed.`,
          );
        this.wait.progress.phase(`the SSH connection broke, connecting again`);
        await pause(FIRST_WAIT_MILLISECONDS, this.wait.signal, this.wait.deadline);
      }
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** The open connection, or a new one; waits for a machine that is still booting. */
  async connect(): Promise<Connection> {
    const { signal, deadline, progress } = this.wait;
    let refusedSince: number | undefined;
    let tries = 0;
    for (
      let wait = FIRST_WAIT_MILLISECONDS;
      this.#connection === undefined;
      wait = Math.min(wait * 2, LONGEST_WAIT_MILLISECONDS)
    ) {
      tries += 1;
      try {
        if (tries === 1) progress.phase("waiting for SSH");
        this.#connection = await this.open();
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        const refused = error.reason === "authentication";
        refusedSince = refused ? (refusedSince ?? deadline.elapsed) : undefined;
        if (refusedSince !== undefined && deadline.elapsed - refusedSince >= AUTHENTICATION_SECONDS)
          throw this.refused(refusedSince);
        if (deadline.left < 1) throw refused ? this.refused(deadline.elapsed) : this.unreachable(tries, error);
        progress.phase(
          refused
            ? `SSH answers but does not accept the key yet (keys arrive late during boot)`
            : `waiting for SSH (${error.message})`,
        );
        await pause(wait, signal, deadline);
      }
    }
    return this.#connection;
  }

  private async open(): Promise<Connection> {
    let changed: HostKeyChanged | undefined;
    const recorded = this.#hostKey;
    const accept = (shown: string): boolean => {
      if (recorded !== undefined && recorded !== shown)
        changed = new HostKeyChanged(this.name, this.address, recorded, shown);
      return changed === undefined;
    };
    const { signal, deadline } = this.wait;
    const stream = await bastions.streamTo(this.endpoint, signal);
    try {
      const connection = await Connection.open(this.endpoint, recorded, accept, signal, stream, deadline.left);
      // Only now has the machine proved that it owns the key.
      this.#hostKey = connection.hostKey;
      return connection;
    } catch (error) {
      if (stream !== undefined) discard(stream);
      throw changed ?? error;
    }
  }

  private refused(since: number): Unreachable {
    return new Unreachable(
      `${this.name}: the SSH server at ${this.address} does not accept the key for user "${this.endpoint.user}" ` +
        `(tried for ${Math.max(0, this.wait.deadline.elapsed - since)} s). ` +
        `Check that the machine was created with this stack's SSH key and, on the machine's console, what \`journalctl -u sshd -u coreos-metadata-sshkeys@core\` says; then run \`pulumi up\` again.`,
    );
  }

  private unreachable(tries: number, last: ConnectionError): Unreachable {
    return new Unreachable(
      `${this.name}: no SSH at ${this.address} as "${this.endpoint.user}" within ${this.wait.deadline.seconds} s (${tries} tries; the last: ${last.message}). ` +
        `Check that your own address is within admin_cidrs (the firewall accepts no others)${this.endpoint.bastion === undefined ? "" : ` and that \`ssh ${this.endpoint.user}@${this.endpoint.bastion}\`, the bastion, answers`}, and check the machine's console in the cloud's panel for a failed boot; then run \`pulumi up\` again. If the machine was stopped, moved or deleted behind Pulumi's back: pulumi refresh && pulumi up`,
    );
  }
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
