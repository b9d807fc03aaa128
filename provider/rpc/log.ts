/** Messages of operations to the user, through the engine. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb.js";

export interface Log {
  /** What is going on now: shown beside the resource and replaced by the next one, not kept. */
  status(text: string): void;
  /** Kept in the run's messages. */
  info(text: string): void;
  /** Kept, and shown as a warning. */
  warn(text: string): void;
}

type Severity = (typeof LogSeverity)[keyof typeof LogSeverity];

/** The engine's log; without an engine's address (a test, a start by hand) the standard error output. */
export class EngineLog {
  #client: EngineClient | undefined;

  constructor(address: string | undefined) {
    if (address !== undefined && address !== "") this.attach(address);
  }

  attach(address: string): void {
    this.#client = new EngineClient(address, grpc.credentials.createInsecure());
  }

  forResource(urn: string): Log {
    return {
      status: (text) => this.#send(urn, LogSeverity.INFO, text, true),
      info: (text) => this.#send(urn, LogSeverity.INFO, text, false),
      warn: (text) => this.#send(urn, LogSeverity.WARNING, text, false),
    };
  }

  #send(urn: string, severity: Severity, text: string, ephemeral: boolean): void {
    if (this.#client === undefined) {
      process.stderr.write(`${text}\n`);
      return;
    }
    const request = new LogRequest();
    request.setUrn(urn);
    request.setSeverity(severity);
    request.setMessage(text);
    request.setEphemeral(ephemeral);
    // A message that does not arrive must never fail its operation.
    this.#client.log(request, () => undefined);
  }
}
