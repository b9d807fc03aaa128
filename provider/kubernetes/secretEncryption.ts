/**
 * With which keys the cluster's Secrets are encrypted at rest, and how they are written again with another one.
 *
 * The API does not tell with which key an object is encrypted. So the cluster itself keeps the numbers of all keys that may be in use,
 * as an annotation of the namespace `kube-system`: a run that fails half-way, or another computer's run, finds them there.
 */
import { pause } from "../operation/timing.js";
import { ifFound, statusOf, type Cluster } from "./cluster.js";

export const annotation = "corekube.io/encryption-keys";

const NAMESPACE = "kube-system";
const PAGE = 500;
/** Requests under way at a time: enough to be quick, and far below what an API server gives to one client. */
const TOGETHER = 8;
const TRIES = 5;
const PAUSE_MILLISECONDS = 1_000;

/** Numbers of the keys that may be in use; undefined where nothing has been noted. */
export async function keysInUse(cluster: Cluster): Promise<number[] | undefined> {
  const noted = (await cluster.core.readNamespace({ name: NAMESPACE })).metadata?.annotations?.[annotation];
  return noted === undefined ? undefined : noted.split(",").map(Number);
}

export async function noteKeysInUse(cluster: Cluster, numbers: readonly number[]): Promise<void> {
  const value = [...new Set(numbers)].sort((a, b) => a - b).join(",");
  await cluster.core.patchNamespace(
    { name: NAMESPACE, body: { metadata: { annotations: { [annotation]: value } } } },
    await mergePatch(),
  );
}

/**
 * Makes the API server write every Secret again, unchanged, with the key that writes now. No Secret's content comes here.
 * @param tell is called with how many are done.
 * @returns how many were written.
 */
export async function rewriteSecrets(
  cluster: Cluster,
  signal: AbortSignal,
  tell: (done: number) => void,
): Promise<number> {
  let done = 0;
  for (let next: string | undefined = ""; next !== undefined;) {
    const page: { names: Named[]; next: string | undefined } = await listPage(cluster, next);
    const left = [...page.names];
    const work = async (): Promise<void> => {
      for (let secret = left.shift(); secret !== undefined; secret = left.shift()) {
        await rewrite(cluster, secret, signal);
        tell((done += 1));
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, work));
    next = page.next;
  }
  return done;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

async function listPage(cluster: Cluster, from: string): Promise<{ names: Named[]; next: string | undefined }> {
  // Names are all that is asked for: see the header.
  const options = await header("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
  const { items, metadata } = await cluster.core.listSecretForAllNamespaces(
    { limit: PAGE, ...(from ? { _continue: from } : {}) },
    options,
  );
  const names = items.map((item) => ({ namespace: item.metadata?.namespace ?? "", name: item.metadata?.name ?? "" }));
  return { names, next: metadata?._continue || undefined };
}

/** A change of nothing: the API server skips the write of what is the same, unless it is encrypted with another key. */
async function rewrite(cluster: Cluster, secret: Named, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      // Gone meanwhile: nothing to do.
      await ifFound(cluster.core.patchNamespacedSecret({ ...secret, body: {} }, await mergePatch()));
      return;
    } catch (error) {
      // Without the API's own words, which may quote what is in the Secret.
      if (tries === TRIES)
        throw new Error(
          `Secret ${secret.namespace}/${secret.name} could not be written again (${statusOf(error) ?? "no answer"}); run \`pulumi up\` again`,
          { cause: undefined },
        );
      await pause(PAUSE_MILLISECONDS, signal);
    }
  }
}

/** Loaded here, because it takes longer to load than all the rest of the provider. */
async function header(name: "Accept" | "Content-Type", value: string) {
  const { setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions(name, value);
}

const mergePatch = () => header("Content-Type", "application/merge-patch+json");
