/** Pods with control over their node. Objects of Helm charts (kubernetes:helm.sh/v3:Release) are not visible here; admission control in the API covers them. */
import { type Pod, podOf } from "./podTemplates.js";
import { type Allowed, allowedNames, type Properties, resourceRule } from "./rule.js";
import { bag, list, shown, texts, unknown } from "../components/cloud/propertyValues.js";

interface Settings extends Allowed {
  readonly namespaces: readonly string[];
}

function settings(what: string): Properties<Settings> {
  return {
    namespaces: {
      type: "array",
      items: { type: "string" },
      default: ["kube-system"],
      description: `Namespaces whose pods may ${what}.`,
    },
    ...allowedNames(`may ${what} in any namespace`),
  };
}

function place({ namespace }: Pod): string {
  return namespace === undefined ? "in a namespace that is not known yet" : `in namespace ${namespace}`;
}

/** Each of them gives control over the node. https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
const capabilities: readonly string[] = ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "BPF"];

export const noPrivilegedPods = resourceRule<Settings>({
  id: "no-privileged-pods",
  description: "No pod outside kube-system is privileged or sees the node's processes.",
  settings: settings("be privileged"),
  check: (resource, { namespaces }, report) => {
    const pod = podOf(resource);
    if (!pod || (pod.namespace !== undefined && namespaces.includes(pod.namespace))) return;
    const violation = (path: string, problem: string): void => report(`${pod.path}.${path}: ${problem} ${place(pod)}.`);
    for (const key of ["hostPID", "hostIPC"]) if (pod.spec[key] === true) violation(key, "is true");
    if (bag(bag(pod.spec["securityContext"])["windowsOptions"])["hostProcess"] === true)
      violation("securityContext.windowsOptions.hostProcess", "is true");
    for (const kind of ["initContainers", "containers", "ephemeralContainers"]) {
      list(pod.spec[kind]).forEach((container, index) => {
        const context = bag(bag(container)["securityContext"]);
        const path = `${kind}[${index}].securityContext`;
        if (context["privileged"] === true) violation(`${path}.privileged`, "is true");
        const added = texts(bag(context["capabilities"])["add"]).filter((name) =>
          capabilities.includes(name.replace(/^CAP_/, "")),
        );
        if (added.length > 0) violation(`${path}.capabilities.add`, `has ${added.join(" and ")}`);
      });
    }
  },
});

export const noHostPathPods = resourceRule<Settings>({
  id: "no-host-path-pods",
  description: "No pod outside kube-system mounts files of the node.",
  settings: settings("mount files of the node"),
  check: (resource, { namespaces }, report) => {
    if (/^kubernetes:core\/v1:PersistentVolume(?:Patch)?$/.test(resource.type)) {
      // It has no namespace: any pod that claims it gets access to the node's files.
      const { hostPath } = bag(resource.props["spec"]);
      if (hostPath !== undefined && hostPath !== unknown)
        report(`spec.hostPath: ${shown(bag(hostPath)["path"])} is a path on the node; use another kind of volume.`);
      return;
    }
    const pod = podOf(resource);
    if (!pod || (pod.namespace !== undefined && namespaces.includes(pod.namespace))) return;
    list(pod.spec["volumes"]).forEach((volume, index) => {
      const { hostPath } = bag(volume);
      if (hostPath === undefined || hostPath === null) return;
      const path = bag(hostPath)["path"];
      report(
        `${pod.path}.volumes[${index}].hostPath: ${typeof path === "string" ? path : "a path"} of the node is mounted ${place(pod)}.`,
      );
    });
  },
});
