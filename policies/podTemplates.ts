/** Finds the pod template in Kubernetes resources. */
import type { Resource } from "../components/cloud/policy.js";
import { type Bag, bag, unknown } from "../components/cloud/propertyValues.js";

export interface Pod {
  /** The Pod's spec. */
  readonly spec: Bag;
  /** Where the spec is in the resource's properties. */
  readonly path: string;
  /** undefined: not known yet. */
  readonly namespace: string | undefined;
}

/** Path of the pod's spec, by kind. */
const paths: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  PodTemplate: ["template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  Deployment: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

/** The pod that a resource is or creates; undefined: none. A patch counts as the kind that it patches. */
export function podOf({ type, props }: Pick<Resource, "type" | "props">): Pod | undefined {
  const [, kind = ""] = /^kubernetes:[^:]+:([A-Za-z]+?)(?:Patch)?$/.exec(type) ?? [];
  const path = paths[kind];
  if (path === undefined) return undefined;
  const spec = path.reduce((value: Bag, key) => bag(value[key]), props);
  const namespace = bag(props["metadata"])["namespace"];
  return {
    spec,
    path: path.join("."),
    namespace: namespace === unknown ? undefined : typeof namespace === "string" ? namespace : "default",
  };
}
