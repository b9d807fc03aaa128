/** Types of values of settings that name labels and taints of Nodes, by Kubernetes' syntax. */
import { z } from "zod";
import { oneOf, text } from "./valueTypes.js";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const name = /^(?=.{1,63}$)[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$/;
const value = /^((?=.{1,63}$)[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$/;
const prefix = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Belong to Kubernetes and to this program: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
const reservedDomain = /(^|\.)(kubernetes\.io|k8s\.io|corekube\.io)$/;

/** Roles that the program itself gives to Nodes, or that would make a worker look like a controller. */
const ownRoles = ["control-plane", "master", "worker", "public"];

/** In reserved domains, and meant for whoever runs the cluster. */
function isForAdministrators(domain: string, last: string): boolean {
  switch (domain) {
    case "node-restriction.kubernetes.io":
      return true;
    case "node-role.kubernetes.io":
      return !ownRoles.includes(last);
    case "node.kubernetes.io":
      return last === "exclude-from-external-load-balancers";
    default:
      return false;
  }
}

function isKey(key: string): boolean {
  const parts = key.split("/");
  const [last = "", domain] = parts.reverse();
  if (parts.length > 2 || !name.test(last)) return false;
  if (domain === undefined) return true;
  return prefix.test(domain) && (!reservedDomain.test(domain) || isForAdministrators(domain, last));
}

const allowedKey =
  "a name such as disk or example.com/disk; of the domains kubernetes.io, k8s.io and corekube.io only node-restriction.kubernetes.io/..., node-role.kubernetes.io/... (not control-plane, master, worker, public) and node.kubernetes.io/exclude-from-external-load-balancers";
const allowedValue =
  "empty, or at most 63 letters, digits, dashes, underscores and dots, beginning and ending with a letter or digit";

export function nodeLabels() {
  return z
    .record(
      text(allowedKey, isKey),
      text(allowedValue, (given) => value.test(given)),
    )
    .refine((labels) => Object.keys(labels).length <= 20)
    .meta({ allowed: "at most 20 labels, each with a value, which may be empty" });
}

const taint = z
  .strictObject({
    key: text(allowedKey, isKey).describe("Its name, with the syntax of a label."),
    value: text(allowedValue, (given) => value.test(given))
      .default("")
      .describe("Its value."),
    effect: oneOf("NoSchedule", "PreferNoSchedule", "NoExecute").describe(
      "What happens to pods that do not tolerate it. NoExecute: those that run are evicted.",
    ),
  })
  .meta({ allowed: "key, value and effect" });

export function nodeTaints() {
  return z
    .array(taint)
    .max(10)
    .refine((taints) => new Set(taints.map(({ key, effect }) => `${key}:${effect}`)).size === taints.length)
    .meta({ allowed: "at most 10 taints, each key once for each effect" });
}
