/** When an object serves. Each answer is undefined when it does, else what it waits for. */
import type { Client, JsonObject, Manner } from "./client.js";

interface Live {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly generation?: number };
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
}

/** It will never serve. */
export class Hopeless extends Error {}

/** @throws {Hopeless} */
export async function waitsFor(object: JsonObject, client: Client, manner: Manner): Promise<string | undefined> {
  const live = object as unknown as Live;
  switch (live.kind) {
    case "Deployment":
      return deployment(live);
    case "DaemonSet":
      return counted(live, number(live.status, "desiredNumberScheduled"), "updatedNumberScheduled", "numberAvailable");
    case "StatefulSet":
    case "ReplicaSet":
      return counted(
        live,
        number(live.spec, "replicas"),
        live.kind === "StatefulSet" ? "updatedReplicas" : "replicas",
        "readyReplicas",
      );
    case "Service":
      return service(live, client, manner);
    case "Pod":
      return pod(live);
    case "Job":
      return job(live);
    default:
      return undefined;
  }
}

/** Pods that an object selects and that are not ready, with the reasons, for the error's text. */
export async function unreadyPods(object: JsonObject, client: Client, manner: Manner): Promise<string[]> {
  const live = object as unknown as Live;
  const labels = (live.spec?.["selector"] as { matchLabels?: Record<string, string> } | undefined)?.matchLabels;
  if (labels === undefined) return [];
  const query = encodeURIComponent(
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  );
  const path = await client.path(
    { apiVersion: "v1", kind: "Pod", namespace: live.metadata.namespace, name: undefined },
    manner,
  );
  const list = await client.ask({ method: "GET", path: `${path}?labelSelector=${query}` }, manner);
  return (list["items"] as JsonObject[]).flatMap((item) => {
    const reason = pod(item as unknown as Live);
    return reason === undefined ? [] : [reason];
  });
}

function deployment(live: Live): string | undefined {
  const failed = conditions(live).find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  if (failed !== undefined && number(live.status, "observedGeneration") >= (live.metadata.generation ?? 0)) {
    throw new Hopeless(`${live.metadata.name}: ${failed.message ?? "its progress deadline has passed"}`);
  }
  return (
    counted(live, number(live.spec, "replicas", 1), "updatedReplicas", "availableReplicas") ??
    (number(live.status, "replicas") > number(live.spec, "replicas", 1) ? "old pods end" : undefined)
  );
}

function counted(live: Live, wanted: number, updated: string, ready: string): string | undefined {
  if (number(live.status, "observedGeneration") < (live.metadata.generation ?? 0)) return "its controller to notice it";
  const now = Math.min(number(live.status, updated), number(live.status, ready));
  return now >= wanted ? undefined : `${now} of ${wanted} pods are ready`;
}

async function service(live: Live, client: Client, manner: Manner): Promise<string | undefined> {
  const selector = live.spec?.["selector"] as JsonObject | undefined;
  if (
    live.spec?.["type"] === "ExternalName" ||
    live.spec?.["clusterIP"] === "None" ||
    selector === undefined ||
    Object.keys(selector).length === 0
  )
    return undefined;
  const path = await client.path(
    { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace: live.metadata.namespace, name: undefined },
    manner,
  );
  const slices = await client.ask(
    {
      method: "GET",
      path: `${path}?labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${live.metadata.name}`)}`,
    },
    manner,
  );
  const ready = (slices["items"] as { endpoints?: { conditions?: { ready?: boolean } }[] }[]).some(
    ({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready !== false) === true,
  );
  if (!ready) return "a ready endpoint";
  if (live.spec?.["type"] !== "LoadBalancer") return undefined;
  const ingress = (live.status?.["loadBalancer"] as { ingress?: unknown[] } | undefined)?.ingress ?? [];
  return ingress.length > 0 ? undefined : "an address of its load balancer";
}

function pod(live: Live): string | undefined {
  const phase = live.status?.["phase"];
  if (phase === "Succeeded" || conditions(live).some(({ type, status }) => type === "Ready" && status === "True"))
    return undefined;
  const scheduling = conditions(live).find(({ type, status }) => type === "PodScheduled" && status === "False");
  const containers = ["initContainerStatuses", "containerStatuses"].flatMap(
    (key) =>
      (live.status?.[key] as
        { name: string; state?: { waiting?: { reason?: string; message?: string } } }[] | undefined) ?? [],
  );
  const waiting = containers.flatMap(({ name, state }) =>
    state?.waiting === undefined
      ? []
      : [
          `${name}: ${state.waiting.reason ?? "waiting"}${state.waiting.message === undefined ? "" : ` (${state.waiting.message})`}`,
        ],
  );
  return `pod ${live.metadata.name} is ${String(phase)}${scheduling === undefined ? "" : `, ${scheduling.message ?? "not scheduled"}`}${waiting.length > 0 ? `, ${waiting.join("; ")}` : ""}`;
}

function job(live: Live): string | undefined {
  const failed = conditions(live).find(({ type, status }) => type === "Failed" && status === "True");
  if (failed !== undefined) throw new Hopeless(`${live.metadata.name}: ${failed.message ?? "the job failed"}`);
  return conditions(live).some(({ type, status }) => type === "Complete" && status === "True")
    ? undefined
    : "its completion";
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

function conditions(live: Live): readonly Condition[] {
  return (live.status?.["conditions"] as Condition[] | undefined) ?? [];
}

function number(from: JsonObject | undefined, key: string, otherwise = 0): number {
  const value = from?.[key];
  return typeof value === "number" ? value : otherwise;
}
