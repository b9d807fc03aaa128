/** What only AWS has, and what AWS asks for. */
import { awsProfile } from "../../../components/aws/profile.js";
import { awsSizes } from "../../../components/aws/sizes.js";
import { addonPorts } from "../../../components/addons/list.js";
import { firewallRules } from "../../../components/cloud/firewall.js";
import { roles } from "../../../components/spec/cluster.js";
import { portRange, type Settings } from "../options.js";
import type { Problem } from "../problem.js";
import { profileOf, type Rule, set, unset } from "./rule.js";

type Aws = Settings["aws"];

const path = (name: keyof Aws): string => `aws.${name}`;

/** What was set, of names that need something else. */
function useless(aws: Aws, names: readonly (keyof Aws)[], allowed: string): Problem[] {
  return names
    .filter((name) => aws[name] !== undefined)
    .map((name) => ({ path: path(name), got: aws[name], allowed, mend: unset(path(name)) }));
}

const foreignRule: Rule = {
  needs: ["aws", "cloud"],
  check: ({ aws, cloud }) =>
    cloud === "aws"
      ? []
      : useless(aws, Object.keys(aws) as (keyof Aws)[], `nothing: a cluster on ${cloud} has none of what only AWS has`),
};

const onAws =
  (check: (settings: Settings) => readonly Problem[]): Rule["check"] =>
  (settings) =>
    settings.cloud === "aws" ? check(settings) : [];

const networkRule: Rule = {
  needs: ["aws", "cloud"],
  check: onAws(({ aws }) => {
    const isPrivate = aws.machines === "private";
    const missing = (name: "public_subnet_ids" | "private_subnet_ids", why: string): Problem[] =>
      (aws[name] ?? []).length > 0
        ? []
        : [
            {
              path: path(name),
              got: aws[name],
              allowed: `a subnet of corekube:aws.vpc_id for each zone: ${why}`,
              mend: `Set it: pulumi config set --path '${path(name)}[0]' <value>`,
            },
          ];
    if (aws.vpc_id === undefined) {
      return [
        ...useless(
          aws,
          ["public_subnet_ids", "private_subnet_ids"],
          "nothing without corekube:aws.vpc_id: subnets of a network of our own are made with it",
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
      ...useless(aws, ["nat"], "nothing with corekube:aws.vpc_id: the way out of an existing network is its owner's"),
    ];
  }),
};

const bastionRule: Rule = {
  needs: ["aws", "cloud"],
  check: onAws(({ aws }) => {
    const { bastion_size } = aws;
    if (!bastion_size || awsSizes.some(({ name }) => name === bastion_size)) return [];
    return [
      {
        path: path("bastion_size"),
        got: bastion_size,
        allowed: "a machine size of aws, such as t3.micro",
        mend: set(path("bastion_size"), "t3.micro"),
      },
    ];
  }),
};

/** GB that volumes sold by operations have at least. */
const leastProvisioned = 4;

const volumeRules: readonly Rule[] = (["data_disk", "wal_disk"] as const).map((name) => ({
  needs: ["aws", "etcd", "cloud"],
  check: onAws(({ aws: { volume_type }, etcd }) => {
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
        mend: set(`etcd.${name}`, leastProvisioned * 1024),
      },
    ];
  }),
}));

/** Rules that a security group may have by default, for IPv4 and IPv6 each: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
const rulesPerGroup = 60;

const administratorsRule: Rule = {
  needs: ["admin_cidrs", "node_port_range", "cloud"],
  check: onAws(({ admin_cidrs, node_port_range }) => {
    const table = firewallRules(
      { apiLoadBalancers: true, nodePortRange: portRange(node_port_range)!, cloudProvider: "aws" },
      awsProfile,
      addonPorts({ networkProvider: "flannel", cloudProvider: "aws", csiDriver: true }),
    );
    const most = Math.min(
      ...roles.map((role) => {
        const sources = table.filter((rule) => rule.role === role).map(({ from }) => from);
        const perNetwork = sources.filter((from) => from.includes("admin")).length;
        const fixed = sources.flatMap((from) => from.filter((source) => source !== "admin")).length;
        return Math.floor((rulesPerGroup - fixed) / perNetwork);
      }),
    );
    const families = [
      admin_cidrs.filter((network) => !network.includes(":")),
      admin_cidrs.filter((network) => network.includes(":")),
    ];
    if (families.every(({ length }) => length <= most)) return [];
    return [
      {
        path: "admin_cidrs",
        got: admin_cidrs,
        allowed: `at most ${most} networks of IPv4 and ${most} of IPv6 on aws, where a security group holds ${rulesPerGroup} rules; take larger networks`,
        mend: `Remove some: pulumi config rm --path 'admin_cidrs[${most}]'`,
      },
    ];
  }),
};

const zoneRules: readonly Rule[] = (
  ["control_plane_placement", "node_placement", "public_node_placement"] as const
).map((name) => ({
  needs: [name, "region", "cloud"],
  check: (settings) => {
    const { zone } = profileOf(settings);
    const got = settings[name];
    // Placements that are none by themselves are told elsewhere, and so is a region that there is not.
    if (
      zone === undefined ||
      got.split(",").includes("spread") ||
      !profileOf(settings).regions.some(({ name: region }) => region === settings.region)
    )
      return [];
    const wrong = got.split(",").filter((candidate) => !zone(settings.region).test(candidate));
    return wrong.length === 0
      ? []
      : [
          {
            path: name,
            got,
            allowed: `zones of ${settings.region}, such as ${settings.region}a,${settings.region}b; ${wrong.join(", ")} cannot be one`,
            mend: set(name, `${settings.region}a,${settings.region}b`),
          },
        ];
  },
}));

export const awsRules: readonly Rule[] = [
  foreignRule,
  networkRule,
  bastionRule,
  ...volumeRules,
  administratorsRule,
  ...zoneRules,
];
