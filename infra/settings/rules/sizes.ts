/** Machine sizes: they exist, and satisfy what is requested. */
import { addonSettings } from "../../../components/addons/choice.js";
import {
  holds,
  type MachineNeeds,
  type MachineSize,
  smallestSize,
  systemDisk,
  usableMemory,
} from "../../../components/cloud/sizes.js";
import type { Role } from "../../../components/spec/cluster.js";
import { sizeOptions } from "../../../components/spec/pools.js";
import type { OptionName } from "../../../components/spec/settings/index.js";
import { type Problem, type Rule, set } from "../../../components/spec/settings/rule.js";
import { nearest } from "../nearest.js";
import { addonNeeds, machineNeeds } from "../sizes.js";
import { profileOf, type ProfileRule } from "./rule.js";

/** The settings whose sum a machine of the role must satisfy. */
const askedBy: Readonly<Record<Role, readonly OptionName[]>> = {
  etcd: ["etcd"],
  controller: ["apiserver", "controller_manager", "scheduler", "kube_proxy"],
  worker: ["reserved_resources"],
  public: ["public_reserved_resources"],
};

function amount({ cpus, memory, disk }: MachineNeeds): string {
  return `${cpus} CPUs, ${memory} MB of memory${disk > 0 ? ` and ${disk} MB of disk` : ""}`;
}

/** What a machine of the size has for pods and system. */
function offer(size: MachineSize): string {
  return amount({
    cpus: size.cpus,
    memory: usableMemory(size),
    disk: size.disk * 1024 - systemDisk,
  });
}

function sizeRule(role: Role): ProfileRule {
  const option = sizeOptions[role];
  const asked = askedBy[role];
  return {
    // What nodes need also depends on the add-ons' pods.
    needs: ["cloud", option, ...asked, ...(role === "etcd" ? [] : addonSettings)],
    check: (settings, clouds): Problem[] => {
      const { sizes } = profileOf(settings, clouds);
      const needs = machineNeeds(settings, role);
      const enough = smallestSize(sizes, needs);
      const sources = asked.map((name) => `corekube:${name}`).join(", ");
      const named = settings[option];
      if (enough === undefined) {
        const largest = sizes.reduce((a, b) => (b.memory > a.memory ? b : a));
        return [
          {
            path: asked[0]!,
            got: settings[asked[0]!],
            allowed: `less: the sum of ${sources} and what is reserved for the system is ${amount(needs)}, and the largest size of ${settings.cloud} (${largest.name}) has ${offer(largest)}`,
          },
        ];
      }
      if (named === "") return [];
      const size = sizes.find(({ name }) => name === named);
      if (size === undefined) {
        const similar = nearest(
          named,
          sizes.map(({ name }) => name),
        );
        const foreign = clouds.some(({ profile }) => profile.sizes.some(({ name }) => name === named));
        const hint = similar ? `; did you mean ${similar}` : foreign ? "; this is a size of another cloud" : "";
        return [
          {
            path: option,
            got: named,
            allowed: `a machine size of ${settings.cloud}, or empty for the cheapest sufficient one (${enough.name})${hint}`,
            fix: set(option, similar ?? enough.name),
          },
        ];
      }
      if (holds(size, needs)) return [];
      return [
        {
          path: option,
          got: named,
          allowed: `a size with at least the sum of ${sources} and what is reserved for the system: ${amount(needs)} (this one has ${offer(size)}); ${enough.name} is the cheapest sufficient one`,
          fix: set(option, enough.name),
        },
      ];
    },
  };
}

/** The add-ons' pods take their part of what pods may use. */
function addonsRule(role: "worker" | "public"): Rule {
  const option = role === "worker" ? "reserved_resources" : "public_reserved_resources";
  return {
    needs: [option, ...addonSettings],
    check: (settings) => {
      const least = addonNeeds(settings, role);
      const rows = [
        ["kube_cpus", least.cpus],
        ["kube_mem", least.memory],
      ] as const;
      return rows.flatMap(([name, enough]): Problem[] => {
        const path = `${option}.${name}`;
        const got = settings[option][name];
        return (got ?? enough) < enough
          ? [
              {
                path,
                got,
                allowed: `at least ${enough}, which the cluster's own pods request on each of these machines`,
                fix: set(path, enough),
              },
            ]
          : [];
      });
    },
  };
}

export const sizeRules: readonly ProfileRule[] = [
  ...(["etcd", "controller", "worker", "public"] as const).map(sizeRule),
  addonsRule("worker"),
  addonsRule("public"),
];
