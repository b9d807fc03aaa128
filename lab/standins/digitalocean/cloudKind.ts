/** What all resources of DigitalOcean's API have in common. */
import type { Operation, Properties, State } from "../framework/kind.js";
import { ManagedKind } from "../framework/managedKind.js";
import type { Deadline } from "../framework/waiting.js";
import { type Client, isStatus, type Json } from "./client.js";

/** Gives the client when the provider is configured. */
export type Cloud = () => Client;

export abstract class CloudKind extends ManagedKind<Json> {
  /** Name of the object in the API's answers. */
  protected abstract readonly key: string;

  constructor(protected readonly cloud: Cloud) {
    super();
  }

  protected abstract path(id: string): string;

  protected idOf(remote: Json): string {
    return String(remote["id"]);
  }

  protected look(operation: Operation, id: string, _outputs?: Properties): Promise<Json | undefined> {
    return this.cloud().find(this.path(id), this.key, operation.signal);
  }

  protected async remove(deadline: Deadline, state: State): Promise<void> {
    await this.cloud().call("DELETE", this.path(state.id), deadline.operation.signal);
  }

  protected isGone(error: unknown): boolean {
    return isStatus(error, 404);
  }
}
