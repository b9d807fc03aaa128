/** What only some clouds, or only this cloud, understand. */
import { cloudProfiles } from "../../../components/cloud/profiles.js";
import { joinPath, nearest, type Problem } from "../problem.js";
import { profileOf, type Rule, set, unset } from "./rule.js";

const regionRule: Rule = {
  needs: ["region", "cloud"],
  check: (settings) => {
    const { regions } = profileOf(settings);
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
        mend: near ? `${set("region", near)} (the nearest)` : undefined,
      },
    ];
  },
};

const managerRule: Rule = {
  needs: ["cloud_provider", "cloud"],
  check: ({ cloud_provider, cloud }) => {
    if (cloud_provider === "none" || cloud_provider === cloud) return [];
    const allowed = `none or ${cloud}: a cluster on ${cloud} has nothing to ask of ${cloud_provider}`;
    return [{ path: "cloud_provider", got: cloud_provider, allowed, mend: set("cloud_provider", "none") }];
  },
};

const imageRule: Rule = {
  needs: ["image", "cloud"],
  check: (settings) => {
    const { image, cloud } = settings;
    const { accepts, allowed } = profileOf(settings).images;
    if (image === "" || accepts.test(image)) return [];
    const foreign = cloudProfiles.some(({ name, images }) => name !== cloud && images.accepts.test(image));
    return [
      {
        path: "image",
        got: image,
        allowed: `${allowed}${foreign ? "; this is what another cloud takes" : ""}`,
        mend: unset("image"),
      },
    ];
  },
};

/** Tags with a meaning of their own, as clouds compare them. Whoever had one of `corekube` could be taken for a machine of another role. */
const ownTags = { cluster: "kubernetescluster", role: "corekube" } as const;

const tagRule: Rule = {
  needs: ["tags", "cloud", "cluster_name"],
  check: (settings) => {
    const { key, value, allowed, taken } = profileOf(settings).tags;
    return Object.entries(settings.tags).flatMap(([name, content]): Problem[] => {
      const path = joinPath("tags", name);
      const lower = name.toLowerCase();
      if (lower === ownTags.role)
        return [
          {
            path,
            got: content,
            allowed: "another name: tags that begin with corekube say what a machine is for, and open its firewall",
            mend: unset(path),
          },
        ];
      if (lower === ownTags.cluster && (name !== "KubernetesCluster" || content !== settings.cluster_name)) {
        return [
          {
            path,
            got: content,
            allowed: `KubernetesCluster with the cluster's name (${settings.cluster_name}), which it always has`,
            mend: unset(path),
          },
        ];
      }
      if (taken.includes(name))
        return [
          {
            path,
            got: content,
            allowed: `another name: resources on ${settings.cloud} have their own in ${name}`,
            mend: unset(path),
          },
        ];
      return key.test(name) && value.test(content)
        ? []
        : [
            {
              path,
              got: content,
              allowed: `in this cloud ${allowed}`,
              ...(key.test(name) ? {} : { mend: unset(path) }),
            },
          ];
    });
  },
};

export const cloudRules: readonly Rule[] = [regionRule, managerRule, imageRule, tagRule];
