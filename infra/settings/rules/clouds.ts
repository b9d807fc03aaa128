/** Settings that depend on the cloud: names of regions, zones and images, tags, and the clouds' own settings. */
import type { OptionName, Settings } from "../../../components/spec/settings/index.js";
import { joinPath, type Problem, type Rule, set, unset } from "../../../components/spec/settings/rule.js";
import { imageProblem } from "../image.js";
import { nearest } from "../nearest.js";
import { type Clouds, profileOf, type ProfileRule } from "./rule.js";

/** Settings of a cloud are for clusters on it; and only then its rules are checked. */
export function rulesOfClouds(clouds: Clouds): readonly Rule[] {
  return clouds.flatMap(({ name, option, rules }): Rule[] => [
    ...(option ? [foreignRule(name as OptionName)] : []),
    ...rules.map(({ needs, check }): Rule => ({
      needs: ["cloud", ...needs],
      check: (settings) => (settings.cloud === name ? check(settings) : []),
    })),
  ]);
}

function foreignRule(name: OptionName): Rule {
  return {
    needs: [name, "cloud"],
    check: (settings) =>
      settings.cloud === name
        ? []
        : Object.entries(settings[name]).map(([key, got]) => ({
            path: joinPath(name, key),
            got: got as unknown,
            allowed: `nothing: the cluster is on ${settings.cloud}, and these are settings of ${name}`,
            fix: unset(joinPath(name, key)),
          })),
  };
}

const regionRule: ProfileRule = {
  needs: ["region", "cloud"],
  check: (settings, clouds) => {
    const { regions } = profileOf(settings, clouds);
    const names = regions.map(({ name }) => name);
    const { region, cloud } = settings;
    if (names.includes(region)) return [];
    const near =
      regions.find((candidate) => candidate.near.some((beginning) => region.startsWith(beginning)))?.name ??
      nearest(region, names);
    return [
      {
        path: "region",
        got: region,
        allowed: `a region of ${cloud}: ${names.join(", ")}`,
        fix: near ? `${set("region", near)} (the nearest)` : undefined,
      },
    ];
  },
};

const managerRule: ProfileRule = {
  needs: ["cloud_provider", "cloud"],
  check: ({ cloud_provider, cloud }) => {
    if (cloud_provider === "none" || cloud_provider === cloud) return [];
    const allowed = `none or ${cloud} (must match corekube:cloud)`;
    return [{ path: "cloud_provider", got: cloud_provider, allowed, fix: set("cloud_provider", "none") }];
  },
};

const imageRule: ProfileRule = {
  needs: ["image", "cloud"],
  check: (settings, clouds) => {
    const { image } = settings;
    const problem = image === "" ? undefined : imageProblem(image, settings, clouds, unset("image"));
    return problem ? [problem] : [];
  },
};

/** Tags that the program uses, as clouds compare them. With a tag `corekube`, a machine could be taken for one of another role. */
const ownTags = { cluster: "kubernetescluster", role: "corekube" } as const;

const tagRule: ProfileRule = {
  needs: ["tags", "cloud", "cluster_name"],
  check: (settings, clouds) => {
    const { key, value, allowed, taken } = profileOf(settings, clouds).tags;
    return Object.entries(settings.tags).flatMap(([name, content]): Problem[] => {
      const path = joinPath("tags", name);
      const lower = name.toLowerCase();
      if (lower === ownTags.role)
        return [
          {
            path,
            got: content,
            allowed: "another name: tags that begin with corekube select the machines of a firewall",
            fix: unset(path),
          },
        ];
      if (lower === ownTags.cluster && (name !== "KubernetesCluster" || content !== settings.cluster_name)) {
        return [
          {
            path,
            got: content,
            allowed: `KubernetesCluster with the cluster's name (${settings.cluster_name}), which is always set`,
            fix: unset(path),
          },
        ];
      }
      if (taken.includes(name))
        return [
          {
            path,
            got: content,
            allowed: `another name: on ${settings.cloud}, ${name} is the name of each resource`,
            fix: unset(path),
          },
        ];
      return key.test(name) && value.test(content)
        ? []
        : [
            {
              path,
              got: content,
              allowed: `on ${settings.cloud}: ${allowed}`,
              fix: key.test(name) ? undefined : unset(path),
            },
          ];
    });
  },
};

const zoneRules: readonly ProfileRule[] = (
  ["control_plane_placement", "node_placement", "public_node_placement"] as const
).map((name) => ({
  needs: [name, "region", "cloud"],
  check: (settings, clouds) => {
    const { zone, regions } = profileOf(settings, clouds);
    const got: Settings[typeof name] = settings[name];
    // Invalid placements and regions are reported by other rules.
    if (zone === undefined || got.split(",").includes("spread") || !regions.some((one) => one.name === settings.region))
      return [];
    const wrong = got.split(",").filter((candidate) => !zone(settings.region).test(candidate));
    return wrong.length === 0
      ? []
      : [
          {
            path: name,
            got,
            allowed: `zones of ${settings.region}, such as ${settings.region}a,${settings.region}b; ${wrong.join(", ")} cannot be one`,
            fix: set(name, `${settings.region}a,${settings.region}b`),
          },
        ];
  },
}));

export const cloudRules: readonly ProfileRule[] = [regionRule, managerRule, imageRule, tagRule, ...zoneRules];
