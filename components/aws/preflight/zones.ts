/** Where machines are and where new ones go: zones that offer their type, and the zone that a volume binds its machine to. */
import type { MachineArgs } from "../../cloud/cloud.js";
import { type RecordedState, type WantedMachine, wantedMachines } from "../../cloud/recordedState.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { sizeOptions } from "../../spec/pools.js";
import { spreadOver } from "../profile.js";
import { awsSizes } from "../sizes.js";
import { type Ask, refuse } from "./ask.js";

export interface Placement {
  /** Zones with machines, now or in earlier runs, sorted: what was created in a zone stays. */
  readonly zones: readonly string[];
  /** The zone of a machine. */
  readonly zoneOf: (machine: Pick<MachineArgs, "name" | "index" | "zones">) => string;
  /** Machines that this run makes or replaces. */
  readonly missing: readonly string[];
}

export interface PlacementArgs {
  readonly spec: ClusterSpec;
  /** Instance type of the bastion; undefined: there is none. */
  readonly bastion: string | undefined;
  /** Zones that machines can be in, sorted. */
  readonly offered: readonly string[];
  /** The network exists, with subnets in all of `offered`. */
  readonly existing: boolean;
  readonly recorded: RecordedState;
}

const instanceType = "aws:ec2/instance:Instance";

const placementSettings = {
  etcd: "control_plane_placement",
  controller: "control_plane_placement",
  worker: "node_placement",
  public: "public_node_placement",
} as const;

/** @throws pulumi.RunError naming the setting that no zone can satisfy. */
export async function placeMachines(
  { spec, bastion, offered, existing, recorded }: PlacementArgs,
  ask: Pick<Ask, "getInstanceTypeOfferings">,
): Promise<Placement> {
  const sizes = recorded.texts(instanceType, "instanceType");
  const placed = recorded.texts(instanceType, "availabilityZone");
  // A volume cannot leave its zone, and its machine must be where it is.
  const bound = new Map(
    [...recorded.texts("aws:ebs/volume:Volume", "availabilityZone")].map(
      ([name, zone]) => [name.replace(/-(data|wal)$/, ""), zone] as const,
    ),
  );
  const used = [...recorded.texts("aws:ec2/subnet:Subnet", "availabilityZone").values()];
  const machines = wantedMachines(spec);
  checkNamed(spec, machines, offered, existing);

  const changed = machines.filter(({ name, size }) => sizes.get(name) !== size);
  const bastionName = `${spec.name}-bastion`;
  const ofBastion = bastion !== undefined && sizes.get(bastionName) !== bastion ? bastion : undefined;
  const offers = await askOffers(changed.length > 0 || ofBastion !== undefined, offered, ask);
  // Zones that have subnets first: a cluster does not spread to more zones than it must.
  const fits = (zone: string): boolean =>
    changed.every(({ size, zones }) => zones.length > 0 || offers(size, zone)) &&
    (ofBastion === undefined || offers(ofBastion, zone));
  const candidates = [...new Set([...offered.filter((zone) => used.includes(zone)), ...offered])].filter(fits);
  const spread = existing ? candidates : candidates.slice(0, spreadOver).sort();
  const needsSpread = machines.some(({ name, zones }) => zones.length === 0 && !bound.has(name) && !placed.has(name));
  if (needsSpread && (spread.length === 0 || (!existing && spread.length < spreadOver)))
    refuseSpread(spec, changed, offered, candidates, existing);

  const changing = new Set(changed.map(({ name }) => name));
  const zoneOf: Placement["zoneOf"] = ({ name, index, zones }) => {
    const fixed = bound.get(name);
    if (fixed !== undefined) return fixed;
    const before = placed.get(name);
    const size = machines.find((machine) => machine.name === name)?.size ?? "";
    const may = zones.length > 0 ? zones : offered;
    if (before !== undefined && may.includes(before) && (!changing.has(name) || offers(size, before))) return before;
    const list = zones.length > 0 ? zones : spread.length > 0 ? spread : offered;
    return list[index % list.length]!;
  };
  for (const machine of machines) check(machine, zoneOf(machine), { changing, offers, offered, existing });
  return {
    zones: [
      ...new Set([
        ...machines.map(zoneOf),
        ...machines.flatMap(({ zones }) => zones),
        ...(needsSpread ? spread : []),
        ...(existing ? [] : used),
      ]),
    ].sort(),
    zoneOf,
    missing: machines
      .filter((machine) => changing.has(machine.name) || zoneOf(machine) !== placed.get(machine.name))
      .map(({ name }) => name)
      .concat(ofBastion === undefined ? [] : [bastionName]),
  };
}

type Offers = (size: string, zone: string) => boolean;

/** Which type EC2 offers in which zone. Asked only where machines are made: types of those that run may have been withdrawn. */
async function askOffers(
  needed: boolean,
  zones: readonly string[],
  ask: Pick<Ask, "getInstanceTypeOfferings">,
): Promise<Offers> {
  if (!needed) return () => true;
  const { instanceTypes, locations } = await ask.getInstanceTypeOfferings({
    locationType: "availability-zone",
    filters: [
      { name: "location", values: [...zones] },
      { name: "instance-type", values: awsSizes.map(({ name }) => name) },
    ],
  });
  const offered = new Set(instanceTypes.map((type, index) => `${type} ${locations[index]}`));
  return (size, zone) => offered.has(`${size} ${zone}`);
}

interface Checks {
  readonly changing: ReadonlySet<string>;
  readonly offers: Offers;
  readonly offered: readonly string[];
  readonly existing: boolean;
}

function check({ name, role, size }: WantedMachine, zone: string, checks: Checks): void {
  const { changing, offers, offered, existing } = checks;
  if (!offered.includes(zone))
    refuse(
      existing ? "aws.vpc_id" : placementSettings[role],
      `no subnet for ${name}`,
      `${existing ? "subnets" : "zones"} that include ${zone}, where the volume of ${name} is`,
      existing
        ? `Add the subnet of ${zone} again: pulumi config set --path 'aws.public_subnet_ids[0]' <id>`
        : `Look at the zone: aws ec2 describe-availability-zones --zone-names ${zone}`,
    );
  if (!changing.has(name) || offers(size, zone)) return;
  const setting = sizeOptions[role];
  const other = alternative(size, (candidate) => offers(candidate, zone));
  refuse(
    setting,
    size,
    `an instance type that EC2 offers in ${zone}, the zone of ${name}`,
    `Set another: pulumi config set ${setting} ${other}`,
  );
}

/** The cheapest type that is no smaller and that the zones have. */
function alternative(size: string, has: (size: string) => boolean): string {
  const wanted = awsSizes.find(({ name }) => name === size);
  const enough = awsSizes.filter(
    ({ name, cpus, memory }) => has(name) && cpus >= (wanted?.cpus ?? 0) && memory >= (wanted?.memory ?? 0),
  );
  return enough.sort((a, b) => a.monthly - b.monthly)[0]?.name ?? "<type>";
}

function checkNamed(
  spec: ClusterSpec,
  machines: readonly WantedMachine[],
  offered: readonly string[],
  existing: boolean,
): void {
  for (const { role, zones } of machines) {
    const setting = placementSettings[role];
    const unknown = zones.find((zone) => !offered.includes(zone));
    if (unknown !== undefined)
      refuse(
        setting,
        zones.join(","),
        `zones ${existing ? "that have subnets in aws.vpc_id" : `of ${spec.region} that this account can use`}: ${offered.join(", ")}`,
        `${unknown} is not one. Set it: pulumi config set ${setting} <zones>`,
      );
    if (!existing && zones.length === 0 && offered.length < spreadOver)
      refuse(
        setting,
        "spread",
        `at least ${spreadOver} zones for it, and this account can use ${offered.length} of ${spec.region} (${offered.join(", ")})`,
        `Name them: pulumi config set ${setting} ${offered.join(",")}`,
      );
  }
}

/** Too few zones offer what machines that are spread need. */
function refuseSpread(
  spec: ClusterSpec,
  changed: readonly WantedMachine[],
  offered: readonly string[],
  candidates: readonly string[],
  existing: boolean,
): never {
  const machine = changed.find(({ zones }) => zones.length === 0) ?? changed[0]!;
  const setting = candidates.length > 0 ? placementSettings[machine.role] : sizeOptions[machine.role];
  const where = existing ? "aws.vpc_id" : spec.region;
  return refuse(
    setting,
    candidates.length > 0 ? "spread" : machine.size,
    `zones that offer every instance type of the cluster (${[...new Set(changed.map(({ size }) => size))].join(", ")}): ${candidates.length} of ${offered.join(", ")} in ${where} do`,
    candidates.length > 0
      ? `Name them: pulumi config set ${setting} ${candidates.join(",")}`
      : `Set another size: pulumi config set ${setting} <type>; types of a zone: aws ec2 describe-instance-type-offerings --location-type availability-zone`,
  );
}
