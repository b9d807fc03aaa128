/** The provider's own configuration: what all workers share, so that it is in the state once and not for each of them. */
import { z } from "zod";
import { providerShape } from "../../components/contract/resources.js";
import type { Change } from "../rpc/kind.js";
import type { Properties } from "../rpc/properties.js";
import { changedInputs, checkInputs } from "./inputs.js";

/** The provider that the engine starts by default has none of it. */
const schema = z.object(providerShape).partial();

export type Settings = z.infer<typeof schema>;

/** Kept as secrets whatever the program says. */
export const secretSettings: ReadonlySet<string> = new Set(["sshPrivateKey", "kubeconfig"]);

/**
 * Other settings are ignored: the engine hands the whole configuration of the project's name to the default provider, including
 * `corekube:node_count`, and the version.
 */
const own = (given: Properties): Properties =>
  Object.fromEntries(Object.entries(given).filter(([key]) => key in schema.shape));

/** Finds mistakes; values may be unknown. */
export function checkSettings(given: Properties) {
  const { inputs, failures } = checkInputs(schema.shape, own(given));
  return { inputs: { ...given, ...inputs }, failures };
}

/** Always in place: another key or kubeconfig for the same cluster touches no worker. */
export function settingsChanges(before: Properties, after: Properties): Change[] {
  return changedInputs(own(before), own(after), new Set());
}

/** @throws z.ZodError for what `checkSettings` refuses. */
export function parseSettings(given: Properties): Settings {
  return schema.parse(own(given));
}

/** Access to workers and the API. */
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
        "pass the resource a provider that has both (`new Provider(...)` in components/machine/provider.ts).",
    );
  }
  return { user: sshUser ?? "core", privateKey: sshPrivateKey, kubeconfig };
}
