/** `corekube:cluster:EncryptionKeyGate`: permission to encrypt with a key. Controllers get their keys after it. */
import { z } from "zod";
import { encryptionKeyGateShape } from "../../components/contract/resources.js";
import { annotation, keysInUse, recordKeysInUse } from "../kubernetes/secretEncryption.js";
import { openCluster, persist, type Cluster } from "../kubernetes/cluster.js";
import { isUnknown, type Properties } from "../rpc/properties.js";
import { Deadline } from "../operation/timing.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { Operation, ResourceKind, State } from "../operation/resourceKind.js";

const schema = z.object(encryptionKeyGateShape);

const API_SECONDS = 60;

/** An API server has the keys before and after the one that it writes with. */
const readable = (from: number, to: number): boolean => Math.abs(from - to) <= 1;

/** Refuses a key with which API servers could not read what is encrypted now, before any of them changes. */
export class EncryptionKeyGate implements ResourceKind {
  readonly secretInputs = new Set(["kubeconfig"]);

  check(inputs: Properties) {
    return checkInputs(encryptionKeyGateShape, inputs);
  }

  /** In a preview too, so that a mistake is found before anything changes. */
  diff(state: State, inputs: Properties) {
    const [before, after] = [Number(state.inputs["number"]), Number(inputs["number"])];
    if (!readable(before, after)) throw new Error(steps(after, [before]));
    refuseOtherKeys(state, inputs);
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return { number: inputs["number"] ?? 1 };
  }

  /** A new cluster has no Secrets that could be lost, and no API to ask. */
  create(_operation: Operation, given: Properties) {
    const { number } = schema.parse(given);
    return Promise.resolve({ id: "encryption-key", outputs: { number } });
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const { number, kubeconfig } = schema.parse(given);
    refuseOtherKeys(state, given);
    if (number === state.outputs["number"]) return state.outputs;
    const cluster = await openCluster(kubeconfig, operation.signal);
    await persist(new Deadline(API_SECONDS), operation.signal, () => permit(cluster, number));
    return { number };
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * A key that has become another one under its number could not read what the one before has written.
 * @throws Error before controllers get it. A preview that does not know a fingerprint yet says nothing.
 */
function refuseOtherKeys(state: State, inputs: Properties): void {
  const [before, after] = [state.inputs, inputs].map((given) => (given["fingerprints"] ?? {}) as Properties) as [
    Properties,
    Properties,
  ];
  const other = Object.keys(after).filter(
    (number) => number in before && !isUnknown(after[number]) && before[number] !== after[number],
  );
  if (other.length === 0) return;
  throw new Error(
    `corekube:encryption_key: key ${other.join(" and ")} is not the one that it was: its PrivateKey was replaced, or removed from the state and made again. ` +
      "What API servers have encrypted with it would be lost; they keep the key that they have. " +
      "Go back to a state that has it: pulumi stack import --file <export of the state before>",
  );
}

async function permit(cluster: Cluster, number: number): Promise<void> {
  const inUse = await keysInUse(cluster);
  if (inUse === undefined) {
    throw new Refused(
      `corekube:encryption_key: got ${number}, but the namespace kube-system has no annotation ${annotation}, so it is unknown with which keys Secrets are encrypted now. ` +
        `Set the previous number and run \`pulumi up\`, which records it; if the annotation was removed by hand: kubectl annotate namespace kube-system ${annotation}=<previous number>`,
    );
  }
  if (!inUse.every((used) => readable(used, number))) throw new Refused(steps(number, inUse));
  await recordKeysInUse(cluster, [...inUse, number]);
}

/** A refusal that is not retried. */
class Refused extends Error {
  /** Like an API error about the request itself: see `persist`. */
  readonly code = 409;
}

function steps(number: number, inUse: readonly number[]): string {
  const allowed = inUse
    .flatMap((used) => [used - 1, used, used + 1])
    .filter((candidate) => candidate >= 1 && inUse.every((used) => readable(used, candidate)));
  return (
    `corekube:encryption_key: got ${number}; Secrets are encrypted with key ${inUse.join(" and ")}, so allowed are ${[...new Set(allowed)].join(", ")}: API servers must be able to read existing Secrets. ` +
    `Change it by one, with a complete \`pulumi up\` after each step: pulumi config set corekube:encryption_key ${Math.max(...inUse)}`
  );
}
