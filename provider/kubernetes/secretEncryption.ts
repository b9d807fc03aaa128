/**
 * Which keys encrypt the cluster's Secrets at rest, and re-encryption of all Secrets with another one.
 *
 * The API does not show with which key an object is encrypted. So the cluster itself keeps the numbers of all keys that may be in use,
 * as an annotation of the namespace `kube-system`: a later run, on any computer, finds them there.
 */
import { pause } from "../operation/timing.js";
import { ifFound, statusOf, type Cluster } from "./cluster.js";

export const annotation = "corekube.io/encryption-keys";

const NAMESPACE = "kube-system";
const PAGE = 500;
/** Parallel requests: enough to be quick, and far below an API server's limit for one client. */
const TOGETHER = 8;
const TRIES = 5;
const PAUSE_MILLISECONDS = 1_000;

/** Numbers of the keys that may be in use; undefined if nothing has been recorded. */
export async function keysInUse(cluster: Cluster): Promise<number[] | undefined> {
  const recorded = (await cluster.core.readNamespace({ name: NAMESPACE })).metadata?.annotations?.[annotation];
  return recorded === undefined ? undefined : recorded.split(",").map(Number);
}

export async function recordKeysInUse(cluster: Cluster, numbers: readonly number[]): Promise<void> {
  const value = [...new Set(numbers)].sort((a, b) => a - b).join(",");
  await cluster.core.patchNamespace(
    { name: NAMESPACE, body: { metadata: { annotations: { [annotation]: value } } } },
    await mergePatch(),
  );
}

/**
 * Makes the API server rewrite every Secret, unchanged, with its current key. No Secret's content is read.
 * @param report Called with the number of Secrets done.
 * @returns the number of Secrets.
 */
export async function reencryptSecrets(
  cluster: Cluster,
  signal: AbortSignal,
  report: (done: number) => void,
): Promise<number> {
  let done = 0;
  for (let next: string | undefined = ""; next !== undefined;) {
    const page: { names: Named[]; next: string | undefined } = await listPage(cluster, next);
    const left = [...page.names];
    const work = async (): Promise<void> => {
      for (let secret = left.shift(); secret !== undefined; secret = left.shift()) {
        await reencrypt(cluster, secret, signal);
        report((done += 1));
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
  // Only names are requested.
  const options = await header("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
  const { items, metadata } = await cluster.core.listSecretForAllNamespaces(
    { limit: PAGE, _continue: from || undefined },
    options,
  );
  const names = items.map((item) => ({ namespace: item.metadata?.namespace ?? "", name: item.metadata?.name ?? "" }));
  return { names, next: metadata?._continue || undefined };
}

/** An empty patch: the API server skips the write of an unchanged object, unless it is encrypted with another key. */
async function reencrypt(cluster: Cluster, secret: Named, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      // Deleted in the meantime: nothing to do.
      await ifFound(cluster.core.patchNamespacedSecret({ ...secret, body: {} }, await mergePatch()));
      return;
    } catch (error) {
      // Without the API's message, which may quote the Secret.
      if (tries === TRIES)
        throw new Error(
          `Secret ${secret.namespace}/${secret.name} could not be re-encrypted (${statusOf(error) ?? "no answer"}); run \`pulumi up\` again`,
          { cause: undefined },
        );
      await pause(PAUSE_MILLISECONDS, signal);
    }
  }
}

/** Loaded on demand: it takes longer to load than the rest of the provider. */
async function header(name: "Accept" | "Content-Type", value: string) {
  const { setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions(name, value);
}

const mergePatch = () => header("Content-Type", "application/merge-patch+json");
