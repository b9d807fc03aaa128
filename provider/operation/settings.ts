/** The provider's own configuration: what is the same for all workers, so that it stands once in the state and not a thousand times. */
import { z } from "zod";
import { changedInputs, checkInputs, privateKey, text } from "./inputs.js";
import type { Change } from "./resourceKind.js";
import type { Properties } from "../rpc/properties.js";

const shape = { sshUser: text.optional(), sshPrivateKey: privateKey.optional(), kubeconfig: text.optional() };
const schema = z.object(shape);

/** Empty for the provider that the engine makes by itself. */
export type Settings = z.infer<typeof schema>;

/** Kept as secrets whatever the program says. */
export const secretSettings: ReadonlySet<string> = new Set(["sshPrivateKey", "kubeconfig"]);

/**
 * Settings of others are let through: to the provider that it makes by itself the engine hands the whole configuration of its
 * name, which is the project's, so that `corekube:node_count` comes here too; and the version.
 */
const own = (given: Properties): Properties =>
  Object.fromEntries(Object.entries(given).filter(([key]) => key in shape));

/** Finds mistakes; values may be unknown. */
export function checkSettings(given: Properties) {
  const { inputs, failures } = checkInputs(shape, own(given));
  return { inputs: { ...given, ...inputs }, failures };
}

/** In place, always: another way to the same cluster touches no worker. */
export function settingsChanges(before: Properties, after: Properties): Change[] {
  return changedInputs(own(before), own(after), new Set());
}

/** @throws z.ZodError for what `checkSettings` refuses. */
export function parseSettings(given: Properties): Settings {
  return schema.parse(own(given));
}

/** What reaches workers and the API. */
export interface Credentials {
  readonly user: string;
  readonly privateKey: string;
  readonly kubeconfig: string;
}

/** @throws Error when the resource's provider has none. */
export function credentials({ sshUser, sshPrivateKey, kubeconfig }: Settings): Credentials {
  if (sshPrivateKey === undefined || kubeconfig === undefined) {
    throw new Error(
      `The provider "corekube" of this resource has no ${sshPrivateKey === undefined ? "sshPrivateKey" : "kubeconfig"}; ` +
        "give the resource a provider that was made with both (`new Provider(...)` in components/machine/provider.ts).",
    );
  }
  return { user: sshUser ?? "core", privateKey: sshPrivateKey, kubeconfig };
}
