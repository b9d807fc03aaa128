/** Access from the internet. */
import type { Opening } from "../components/cloud/policy.js";
import { scalar, unknown } from "../components/cloud/propertyValues.js";
import { type Allowed, allowedNames, resourceRule, stackRule } from "./rule.js";
import type { Clouds } from "./types.js";

/**
 * Networks of at most these prefix lengths count as the world: a half or a quarter of it is no better than all of it. /8 is the largest
 * network that was ever assigned; all public IPv6 addresses are in 2000::/3.
 */
const worldPrefix = { ipv4: 7, ipv6: 15 };

function isWorld(network: string): boolean {
  const [address = "", prefix] = network.split("/");
  if (prefix === undefined || prefix === "") return false;
  return Number(prefix) <= (address.includes(":") ? worldPrefix.ipv6 : worldPrefix.ipv4);
}

/** Protocols by name, by number, or all of them; one that is not known yet may be TCP. */
function isTcp({ protocol }: Opening): boolean {
  return protocol === unknown || ["tcp", "6", "-1", "all"].includes(scalar(protocol).toLowerCase());
}

interface Settings extends Allowed {
  readonly ports: readonly number[];
}

export const noWorldOpenAccess = (clouds: Clouds) =>
  resourceRule<Settings>({
    id: "no-world-open-access",
    description: "SSH, the API, etcd and the services of machines are open to named networks only, not to the world.",
    settings: {
      ports: {
        type: "array",
        items: { type: "integer", minimum: 1, maximum: 65_535 },
        // SSH, etcd, the API, kube-proxy, kubelet, controller manager, scheduler.
        default: [22, 2379, 2380, 2381, 6443, 10_249, 10_250, 10_256, 10_257, 10_259],
        description: "TCP ports that must not be open to the world.",
      },
      ...allowedNames("may be open to the world"),
    },
    check: (resource, { ports }, report) => {
      const openings = clouds.flatMap(({ policy }) => policy.openings(resource));
      for (const { path, ports: range, networks } of openings.filter(isTcp)) {
        const open = ports.filter((port) => port >= range.from && port <= range.to);
        const world = networks.filter(isWorld);
        if (open.length > 0 && world.length > 0) {
          report(
            `${path}: port ${open.join(" and ")} is open to ${world.join(" and ")}; name networks instead (admin_cidrs, firewall_rules).`,
          );
        }
      }
    },
  });

export const machinesBehindFirewall = (clouds: Clouds) =>
  stackRule<Allowed>({
    id: "machines-behind-firewall",
    description:
      "Every machine, and every load balancer of AWS that faces the internet, is in a firewall or security group: without one, a droplet and a network load balancer are open to everyone, and an instance is in its VPC's default group.",
    settings: allowedNames("may be in no firewall"),
    check: (resources, _settings, report) => {
      for (const { resource, problem } of clouds.flatMap(({ policy }) => policy.unprotected(resources)))
        report(resource, problem);
    },
  });
