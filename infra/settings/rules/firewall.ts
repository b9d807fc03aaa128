/** Rules of the stack for the firewall: they say what clouds need, and can have an effect. */
import { overlap, prefixLength } from "../../../components/spec/cidr.js";
import { pathArgument, type Problem, type Rule, set } from "../../../components/spec/settings/rule.js";

const portsRule: Rule = {
  needs: ["firewall_rules"],
  check: ({ firewall_rules }) =>
    firewall_rules.flatMap(({ protocol, ports }, index): Problem[] => {
      const path = `firewall_rules[${index}].ports`;
      if (protocol === "icmp" && ports !== undefined) {
        return [
          {
            path,
            got: ports,
            allowed: "nothing with protocol icmp, which has no ports",
            fix: `Remove it: pulumi config rm ${pathArgument(path)}`,
          },
        ];
      }
      if (protocol !== "icmp" && ports === undefined) {
        return [
          {
            path,
            got: undefined,
            allowed: `a port or a range of ports with protocol ${protocol}`,
            fix: set(path, "1-65535"),
          },
        ];
      }
      return [];
    }),
};

/** Packets of pods leave their node with the node's own address. */
const podsRule: Rule = {
  needs: ["firewall_rules", "pod_cidr", "service_cidr"],
  check: (settings) =>
    settings.firewall_rules.flatMap(({ from }, index) =>
      (["pod_cidr", "service_cidr"] as const)
        .filter(
          (name) =>
            from.includes("/") &&
            !from.includes(":") &&
            prefixLength(from) >= prefixLength(settings[name]) &&
            overlap(from, settings[name]),
        )
        .map((name) => ({
          path: `firewall_rules[${index}].from`,
          got: from,
          allowed: `a network outside corekube:${name} (${settings[name]}): what pods send to machines comes from their node's address`,
          fix: set(`firewall_rules[${index}].from`, "nodes"),
        })),
    ),
};

export const firewallRulesRules: readonly Rule[] = [portsRule, podsRule];
