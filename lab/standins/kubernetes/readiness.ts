/** When an object serves. Each answer is undefined when it does, else what it waits for. */
import type { JsonObject, Objects } from "./api.js";

type Part = Readonly<Record<string, unknown>>;

const part = (object: JsonObject, name: "spec" | "status"): Part => (object[name] ?? {}) as Part;

function number(from: Part, key: string, otherwise = 0): number {
  const value = from[key];
  return typeof value === "number" ? value : otherwise;
}

/** @throws Error when it never will. */
export async function waitsFor(object: JsonObject, objects: Objects): Promise<string | undefined> {
  switch (object.kind) {
    case "Deployment":
      return deployment(object);
    case "DaemonSet": {
      const wanted = number(part(object, "status"), "desiredNumberScheduled");
      return counted(object, wanted, "updatedNumberScheduled", "numberAvailable");
    }
    case "CustomResourceDefinition":
      return isTrue(object, "Established") ? undefined : "the API server to serve its kind";
    case "APIService":
      return isTrue(object, "Available") ? undefined : "the API server to reach it";
    case "Service":
      return service(object, objects);
    default:
      return undefined;
  }
}

/** Pods that an object selects and that are not ready, with the reasons, for the error's text. */
export async function unreadyPods(object: JsonObject, objects: Objects): Promise<string[]> {
  const { matchLabels } = (part(object, "spec")["selector"] ?? {}) as { matchLabels?: Record<string, string> };
  if (matchLabels === undefined) return [];
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const pods = await objects.select("v1", "Pod", object.metadata?.namespace ?? "default", labels.join(","));
  return pods.flatMap((pod) => podProblem(pod) ?? []);
}

function deployment(object: JsonObject): string | undefined {
  const [spec, status] = [part(object, "spec"), part(object, "status")];
  const failed = conditions(object).find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  if (failed !== undefined && isObserved(object))
    throw new Error(`${object.metadata?.name}: ${failed.message ?? "its progress deadline has passed"}`);
  const wanted = number(spec, "replicas", 1);
  const waiting = counted(object, wanted, "updatedReplicas", "availableReplicas");
  return waiting ?? (number(status, "replicas") > wanted ? "old pods to end" : undefined);
}

function counted(object: JsonObject, wanted: number, updated: string, ready: string): string | undefined {
  if (!isObserved(object)) return "its controller to notice it";
  const status = part(object, "status");
  const now = Math.min(number(status, updated), number(status, ready));
  return now >= wanted ? undefined : `${now} of ${wanted} pods are ready`;
}

/** Whether the status is about the newest change. */
function isObserved(object: JsonObject): boolean {
  const { generation = 0 } = (object.metadata ?? {}) as { generation?: number };
  return number(part(object, "status"), "observedGeneration") >= generation;
}

async function service(object: JsonObject, objects: Objects): Promise<string | undefined> {
  const { name, namespace = "default" } = object.metadata ?? {};
  const { ingress = [] } = (part(object, "status")["loadBalancer"] ?? {}) as { ingress?: readonly unknown[] };
  if (part(object, "spec")["type"] === "LoadBalancer" && ingress.length === 0) return "its load balancer";
  const labels = `kubernetes.io/service-name=${name}`;
  const slices = (await objects.select("discovery.k8s.io/v1", "EndpointSlice", namespace, labels)) as readonly {
    endpoints?: { conditions?: { ready?: boolean } }[];
  }[];
  const ready = slices.some(
    ({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready !== false) === true,
  );
  return ready ? undefined : "a ready endpoint";
}

interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
}

function podProblem(pod: JsonObject): string | undefined {
  const status = part(pod, "status");
  if (conditions(pod).some((each) => each.type === "Ready" && each.status === "True")) return undefined;
  const scheduling = conditions(pod).find((each) => each.type === "PodScheduled" && each.status === "False");
  const waiting = ["initContainerStatuses", "containerStatuses"]
    .flatMap((key) => (status[key] ?? []) as ContainerStatus[])
    .flatMap(({ name, state }) =>
      state?.waiting === undefined
        ? []
        : `${name}: ${state.waiting.reason ?? "waiting"}${state.waiting.message === undefined ? "" : ` (${state.waiting.message})`}`,
    );
  const reasons = [...(scheduling === undefined ? [] : [scheduling.message ?? "not scheduled"]), ...waiting];
  return [`pod ${pod.metadata?.name} is ${String(status["phase"])}`, ...reasons].join(", ");
}

const isTrue = (object: JsonObject, type: string): boolean =>
  conditions(object).some((each) => each.type === type && each.status === "True");

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

function conditions(object: JsonObject): readonly Condition[] {
  return (part(object, "status")["conditions"] as Condition[] | undefined) ?? [];
}
