/** Labels and taints that settings give to a Node. */
import { createHash } from "node:crypto";
import type { V1Node } from "@kubernetes/client-node";
import type { NodeSettings } from "../../components/contract/nodeSettings.js";
import { statusOf, type Cluster } from "./cluster.js";

/** What settings have given to the Node, so that what they no longer name can be removed, and nothing else. */
const annotation = "corekube.io/node-settings";

/**
 * Digest of the annotation. A kubelet may write its Node's annotations, and could have the program remove what others have set, such as
 * a quarantine; labels of this domain it may not: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
const seal = "corekube.node-restriction.kubernetes.io/settings";

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** Others write to Nodes too, such as kubelets and cloud controller managers. */
const TRIES = 10;

interface JsonPatch {
  readonly op: "add" | "remove" | "test";
  readonly path: string;
  readonly value?: unknown;
}

type Given = { readonly [Key in keyof NodeSettings]: readonly string[] };

function given({ metadata }: V1Node): Given {
  const text = metadata?.annotations?.[annotation];
  if (text === undefined || metadata?.labels?.[seal] !== digestOf(text)) return { labels: [], taints: [] };
  return JSON.parse(text) as Given;
}

/** Names of taints that settings have given to the Node, `key:effect`. */
export function givenTaints(node: V1Node): readonly string[] {
  return given(node).taints;
}

/** https://www.rfc-editor.org/rfc/rfc6901#section-3 */
const pointer = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

const nameOf = ({ key, effect }: { readonly key: string; readonly effect: string }): string => `${key}:${effect}`;

/** What is missing of the settings on the Node; empty: nothing. */
function patchOf(node: V1Node, wanted: NodeSettings): readonly JsonPatch[] {
  const before = given(node);
  const labels = node.metadata?.labels ?? {};
  const taints = node.spec?.taints ?? [];
  const patch: JsonPatch[] = [];
  for (const [name, value] of Object.entries(wanted.labels))
    if (labels[name] !== value) patch.push({ op: "add", path: pointer("metadata", "labels", name), value });
  for (const name of before.labels)
    if (!(name in wanted.labels) && name in labels)
      patch.push({ op: "remove", path: pointer("metadata", "labels", name) });
  const stale = (taint: (typeof taints)[number]): boolean => {
    const name = nameOf(taint);
    return name in wanted.taints ? (taint.value ?? "") !== wanted.taints[name] : before.taints.includes(name);
  };
  // From the end, so that the places of the others stay.
  taints.forEach((taint, index) => {
    if (stale(taint)) patch.unshift({ op: "remove", path: pointer("spec", "taints", index) });
  });
  const kept = new Set(taints.filter((taint) => !stale(taint)).map(nameOf));
  for (const [name, value] of Object.entries(wanted.taints)) {
    if (kept.has(name)) continue;
    const [key, effect] = name.split(":");
    patch.push({ op: "add", path: "/spec/taints/-", value: { key, effect, ...(value === "" ? {} : { value }) } });
  }
  const now: Given = { labels: Object.keys(wanted.labels).sort(), taints: Object.keys(wanted.taints).sort() };
  const text = JSON.stringify(now);
  if (JSON.stringify(before) !== text)
    patch.push(
      { op: "add", path: pointer("metadata", "annotations", annotation), value: text },
      { op: "add", path: pointer("metadata", "labels", seal), value: digestOf(text) },
    );
  if (patch.length === 0) return [];
  const lists: readonly (readonly [string, unknown, unknown])[] = [
    ["/metadata/labels", node.metadata?.labels, {}],
    ["/metadata/annotations", node.metadata?.annotations, {}],
    ["/spec/taints", node.spec?.taints, []],
  ];
  return [
    // Nobody has written to it since it was read.
    { op: "test", path: "/metadata/resourceVersion", value: node.metadata?.resourceVersion },
    ...lists.flatMap(([path, present, value]): JsonPatch[] =>
      present === undefined ? [{ op: "add", path, value }] : [],
    ),
    ...patch,
  ];
}

/** Gives the Node its labels and taints. What others have set stays. */
export async function applyNodeSettings(cluster: Cluster, node: V1Node, wanted: NodeSettings): Promise<void> {
  const name = node.metadata!.name!;
  let current = node;
  for (let tries = 1; ; tries++) {
    const patch = patchOf(current, wanted);
    if (patch.length === 0) return;
    try {
      await cluster.core.patchNode({ name, body: patch });
      return;
    } catch (error) {
      // Somebody has written to it meanwhile.
      const status = statusOf(error);
      if ((status !== 409 && status !== 422) || tries === TRIES) throw error;
      current = await cluster.core.readNode({ name });
    }
  }
}
