/** What every add-on is made with, and what all of their pods share. */
import { createHash } from "node:crypto";
import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { imageReference } from "../spec/versions.js";
import type { ClusterSpec } from "../spec/cluster.js";

/** Namespace of all add-ons. */
export const namespace = "kube-system";

export interface AddonContext {
  readonly spec: ClusterSpec;
  /** Host and port of the API inside the cluster's network, for pods that must not rely on the Service network. */
  readonly api: { readonly host: pulumi.Output<string>; readonly port: number };
  /** Parent and provider of every object. */
  readonly opts: pulumi.CustomResourceOptions;
}

/** Logical name of an object. */
export function objectName(context: AddonContext, name: string): string {
  return `${context.spec.name}-${name}`;
}

/**
 * Reference of an image of the specification, by digest where one is known.
 * @throws Error when the specification has no such image.
 */
export function image(spec: Pick<ClusterSpec, "images">, name: string): string {
  const found = spec.images[name];
  if (!found) {
    throw new Error(
      `images.${name}: got nothing; allowed names are ${Object.keys(spec.images).join(", ")}; add it to versions.json`,
    );
  }
  return imageReference(found);
}

/** Changes with the configuration, so that pods are replaced when it does. */
export function checksum(configuration: Readonly<Record<string, string>>): string {
  return createHash("sha256").update(JSON.stringify(configuration)).digest("hex");
}

/** Annotation of pods that holds `checksum` of their configuration. */
export const checksumAnnotation = "corekube/configuration-sha256";

/** Least rights for a container; `add` names the capabilities that it cannot do without. */
export function restricted(add: readonly string[] = []): kubernetes.types.input.core.v1.SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], ...(add.length > 0 ? { add: [...add] } : {}) },
  };
}

/** Pods of a node's own network run everywhere, from the first moment of the node on. */
export const nodePod = {
  hostNetwork: true,
  priorityClassName: "system-node-critical",
  tolerations: [{ operator: "Exists" }],
  nodeSelector: { "kubernetes.io/os": "linux" },
  securityContext: { seccompProfile: { type: "RuntimeDefault" } },
} satisfies Partial<kubernetes.types.input.core.v1.PodSpec>;

/** A new version reaches nodes a few at a time. */
export const nodeUpdate = {
  type: "RollingUpdate",
  rollingUpdate: { maxUnavailable: "10%" },
} satisfies kubernetes.types.input.apps.v1.DaemonSetUpdateStrategy;
