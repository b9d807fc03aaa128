/** Objects that an add-on's authors publish and that are too large to keep by hand: docs/decisions/0035. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as kubernetes from "@pulumi/kubernetes";
import type { AddonObject } from "../addon.js";

/** A rendered file. `lab/toolchain/manifests.ts` writes it. */
export interface Rendered {
  /** Module of Go that it comes from, its version, and its checksum as go.sum has it. */
  readonly module: string;
  readonly version: string;
  readonly sum: string;
  readonly objects: readonly {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: kubernetes.types.input.apiextensions.v1.CustomResourceDefinitionSpec;
  }[];
}

/** The rendered file of a folder beside this one. */
export function rendered(folder: string): Rendered {
  return JSON.parse(readFileSync(join(__dirname, folder, "crds.json"), "utf8")) as Rendered;
}

/** Its CustomResourceDefinitions, each with its own name as id. Read only where an add-on is part of the cluster. */
export function definitions(folder: string): AddonObject<"CustomResourceDefinition">[] {
  return rendered(folder).objects.map(({ metadata, spec }) => ({
    kind: "CustomResourceDefinition",
    id: metadata.name,
    args: { metadata, spec },
  }));
}
