/** What settings of a cluster on AWS must satisfy together, and what the configuration of AWS's provider must contain. */
import { choiceOf, choiceSettings } from "../addons/choice.js";
import { addonPorts } from "../addons/list.js";
import type { CloudDefinition } from "../cloud/definition.js";
import { firewallRules } from "../cloud/firewall.js";
import { roles } from "../spec/cluster.js";
import type { Settings } from "../spec/settings/index.js";
import { type Problem, type Rule, set, unset } from "../spec/settings/rule.js";
import { portRange } from "../spec/settings/valueTypes.js";
import { awsProfile } from "./profile.js";
import { awsSizes } from "./sizes.js";

type Aws = Settings["aws"];

const path = (name: keyof Aws): string => `aws.${name}`;

/** The settings that are set although they have no effect. */
function useless(aws: Aws, names: readonly (keyof Aws)[], allowed: string): Problem[] {
  return names
    .filter((name) => aws[name] !== undefined)
    .map((name) => ({ path: path(name), got: aws[name], allowed, fix: unset(path(name)) }));
}

const networkRule: Rule = {
  needs: ["aws"],
  check: ({ aws }) => {
    const isPrivate = aws.machines === "private";
    const missing = (name: "public_subnet_ids" | "private_subnet_ids", why: string): Problem[] =>
      (aws[name] ?? []).length > 0
        ? []
        : [
            {
              path: path(name),
              got: aws[name],
              allowed: `a subnet of corekube:aws.vpc_id for each zone: ${why}`,
              fix: `Set it: pulumi config set --path '${path(name)}[0]' <value>`,
            },
          ];
    if (aws.vpc_id === undefined) {
      return [
        ...useless(
          aws,
          ["public_subnet_ids", "private_subnet_ids"],
          "nothing without corekube:aws.vpc_id: the network is created, and its subnets with it",
        ),
        ...(isPrivate
          ? []
          : useless(
              aws,
              ["nat", "bastion_size"],
              "nothing with corekube:aws.machines public: only private machines need it",
            )),
      ];
    }
    return [
      ...missing(
        "public_subnet_ids",
        isPrivate ? "the API's load balancer and the bastion are there" : "machines are there",
      ),
      ...(isPrivate
        ? missing("private_subnet_ids", "machines are there")
        : useless(
            aws,
            ["private_subnet_ids", "bastion_size"],
            "nothing with corekube:aws.machines public: only private machines use it",
          )),
      ...useless(
        aws,
        ["nat"],
        "nothing with corekube:aws.vpc_id: the owner of an existing network provides its internet access",
      ),
    ];
  },
};

const bastionRule: Rule = {
  needs: ["aws"],
  check: ({ aws: { bastion_size } }) => {
    if (!bastion_size || awsSizes.some(({ name }) => name === bastion_size)) return [];
    return [
      {
        path: path("bastion_size"),
        got: bastion_size,
        allowed: "a machine size of aws, such as t3.micro",
        fix: set(path("bastion_size"), "t3.micro"),
      },
    ];
  },
};

/** Smallest volume with provisioned IOPS, in GB: https://docs.aws.amazon.com/ebs/latest/userguide/provisioned-iops.html */
const leastProvisioned = 4;

const volumeRules: readonly Rule[] = (["data_disk", "wal_disk"] as const).map((name) => ({
  needs: ["aws", "etcd"],
  check: ({ aws: { volume_type }, etcd }) => {
    if (
      (volume_type !== "io1" && volume_type !== "io2") ||
      etcd.disk_type === "ROOT" ||
      etcd[name] > (leastProvisioned - 1) * 1024
    )
      return [];
    return [
      {
        path: `etcd.${name}`,
        got: etcd[name],
        allowed: `at least ${leastProvisioned * 1024} MB with corekube:aws.volume_type ${volume_type}`,
        fix: set(`etcd.${name}`, leastProvisioned * 1024),
      },
    ];
  },
}));

/** Default quota of rules in a security group, for IPv4 and IPv6 each: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
const rulesPerGroup = 60;

const administratorsRule: Rule = {
  needs: ["admin_cidrs", "node_port_range", "firewall_rules", ...choiceSettings],
  check: (settings) => {
    const { admin_cidrs, node_port_range, firewall_rules, cloud_provider } = settings;
    const table = firewallRules(
      {
        // Also of a cluster that becomes highly available.
        apiLoadBalancers: true,
        nodePortRange: portRange(node_port_range)!,
        cloudProvider: cloud_provider,
        firewallRules: firewall_rules,
      },
      awsProfile,
      addonPorts(choiceOf(settings)),
    );
    const most = Math.min(
      ...roles.map((role) => {
        const sources = table.filter((rule) => rule.role === role).map(({ from }) => from);
        const perNetwork = sources.filter((from) => from.includes("admin")).length;
        const fixed = sources.flatMap((from) => from.filter((source) => source !== "admin")).length;
        return Math.floor((rulesPerGroup - fixed) / perNetwork);
      }),
    );
    if (most < 1) {
      return [
        {
          path: "firewall_rules",
          got: firewall_rules,
          allowed: `fewer rules on aws, where a security group holds ${rulesPerGroup} rules; use ranges of ports and larger networks`,
          fix: `Remove one: pulumi config rm --path 'firewall_rules[${firewall_rules.length - 1}]'`,
        },
      ];
    }
    const families = [
      admin_cidrs.filter((network) => !network.includes(":")),
      admin_cidrs.filter((network) => network.includes(":")),
    ];
    if (families.every(({ length }) => length <= most)) return [];
    return [
      {
        path: "admin_cidrs",
        got: admin_cidrs,
        allowed: `at most ${most} networks of IPv4 and ${most} of IPv6 on aws, where a security group holds ${rulesPerGroup} rules; use larger networks`,
        fix: `Remove some: pulumi config rm --path 'admin_cidrs[${most}]'`,
      },
    ];
  },
};

const keyRule: Rule = {
  needs: ["aws", "region", "cloud_provider"],
  check: ({ aws: { volume_key_arns: arns = [] }, region, cloud_provider }) => [
    ...arns.flatMap((arn, index): Problem[] => {
      const there = arn.split(":")[3]!;
      return there === region
        ? []
        : [
            {
              path: `${path("volume_key_arns")}[${index}]`,
              got: arn,
              allowed: `a key of ${region}, where the volumes are; this one is in ${there}`,
              fix: unset(`${path("volume_key_arns")}[${index}]`),
            },
          ];
    }),
    ...(arns.length > 0 && cloud_provider === "none"
      ? [
          {
            path: path("volume_key_arns"),
            got: arns,
            allowed: "nothing with corekube:cloud_provider none: there is no driver that makes volumes of claims",
            fix: unset(path("volume_key_arns")),
          },
        ]
      : []),
  ],
};

export const awsRules: readonly Rule[] = [networkRule, bastionRule, ...volumeRules, keyRule, administratorsRule];

/** The provider would create the cluster in its own region, or nothing. */
export const awsProviderProblems: CloudDefinition["providerProblems"] = (configuration, { region }) => {
  const got = configuration["aws:region"];
  return got === region
    ? []
    : [
        {
          path: "aws:region",
          got,
          allowed: `${region}, as corekube:region`,
          fix: `Set it: pulumi config set aws:region ${region}`,
        },
      ];
};
