/** etcd: how many members, and where their data is. */
import { type Allowed, allowedNames, type StackResource, stackRule } from "./rule.js";
import { singleMachines } from "./types.js";
import { bag, list, scalar } from "./values.js";

/** The component around the members of one etcd cluster. */
const cluster = "corekube:etcd:Cluster";

const volumes: readonly string[] = ["digitalocean:index/volume:Volume", "aws:ebs/volume:Volume"];

/** Attachments: which property is the machine, which the volume. */
const attachments: Readonly<Record<string, { readonly machine: string; readonly volume: string }>> = {
  "digitalocean:index/volumeAttachment:VolumeAttachment": { machine: "dropletId", volume: "volumeId" },
  "aws:ec2/volumeAttachment:VolumeAttachment": { machine: "instanceId", volume: "volumeId" },
};

function membersOf(resources: readonly StackResource[], urn: string): StackResource[] {
  return resources.filter(
    ({ type, ancestors }) => singleMachines.includes(type) && ancestors.some((ancestor) => ancestor.urn === urn),
  );
}

interface MemberSettings extends Allowed {
  readonly minimum: number;
}

export const oddEtcdMembers = stackRule<MemberSettings>({
  id: "etcd-odd-members",
  description:
    "An etcd cluster has an odd number of members: an even number survives no more losses than the odd one below it.",
  settings: {
    minimum: {
      type: "integer",
      minimum: 1,
      default: 1,
      description: "Least number of members; 3 is the least that survives the loss of one.",
    },
    ...allowedNames("may have any number of members (names of corekube:etcd:Cluster)"),
  },
  check: (resources, { minimum }, report) => {
    for (const component of resources.filter(({ type }) => type === cluster)) {
      const { length } = membersOf(resources, component.urn);
      if (length % 2 === 0) report(component, `has ${length} members; set etcd.count to an odd number.`);
      else if (length < minimum)
        report(
          component,
          `has ${length} members, at least ${minimum} are asked for; set high_availability, or etcd.count.`,
        );
    }
  },
});

interface VolumeSettings extends Allowed {
  readonly root: readonly string[];
}

export const etcdOwnVolume = stackRule<VolumeSettings>({
  id: "etcd-own-volume",
  description: "Every etcd member has a volume of its own, which outlives its machine.",
  settings: {
    root: {
      type: "array",
      items: { type: "string" },
      default: [],
      description: "Names of corekube:etcd:Cluster whose members may keep their data on the machine's own disk (ROOT).",
    },
    ...allowedNames("may have no volume of their own (names of machines)"),
  },
  check: (resources, { root }, report) => {
    const members = resources
      .filter(({ type, name }) => type === cluster && !root.includes(name))
      .flatMap(({ urn }) => membersOf(resources, urn))
      // The engine's order is that of the run: the same stack says the same.
      .sort((left, right) => left.name.localeCompare(right.name));
    const users = new Map<string, string>();
    for (const member of members) {
      const own = volumesOf(member, resources);
      if (own.length === 0) report(member, "no volume is attached to it; make one, and attach it to this machine.");
      for (const volume of own) {
        const other = users.get(volume);
        if (other !== undefined)
          report(member, `shares a volume (${volume.split("::").at(-1)}) with ${other}; give it one of its own.`);
        users.set(volume, member.name);
      }
    }
  },
});

/** URNs of the volumes of a machine, those that its own properties describe included. */
function volumesOf(machine: StackResource, resources: readonly StackResource[]): string[] {
  const attached = resources.flatMap((resource) => {
    const properties = attachments[resource.type];
    return properties && isFor(resource, properties.machine, machine)
      ? volumeOf(resource, properties.volume, resources)
      : [];
  });
  const inline = list(machine.props["volumeIds"]).length > 0 ? resourcesFrom(machine, "volumeIds", resources) : [];
  const devices = list(machine.props["ebsBlockDevices"]).map(
    (device, index) => `${machine.urn}::${scalar(bag(device)["deviceName"]) || index}`,
  );
  return [...new Set([...attached, ...inline, ...devices])];
}

/** A property refers to a resource when it takes its value from it, or, where the id is written out, when it holds that id. */
function isFor(attachment: StackResource, property: string, machine: StackResource): boolean {
  if (attachment.sources(property).includes(machine.urn)) return true;
  const id = scalar(attachment.props[property]);
  return id !== "" && id === scalar(machine.props["id"]);
}

function volumeOf(attachment: StackResource, property: string, resources: readonly StackResource[]): string[] {
  const found = resourcesFrom(attachment, property, resources);
  const id = attachment.props[property];
  return found.length > 0 || typeof id !== "string" ? found : [id];
}

function resourcesFrom(resource: StackResource, property: string, resources: readonly StackResource[]): string[] {
  const from = resource.sources(property);
  return resources.filter(({ type, urn }) => volumes.includes(type) && from.includes(urn)).map(({ urn }) => urn);
}
