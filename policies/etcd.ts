/** etcd: number of members, and where their data is. */
import type { StackResource } from "../components/cloud/policy.js";
import { type Allowed, allowedNames, stackRule } from "./rule.js";
import { type Clouds, machineTypes } from "./types.js";
import { bag, list, scalar } from "../components/cloud/propertyValues.js";

/** The component around the members of one etcd cluster. */
const cluster = "corekube:etcd:Cluster";

function membersOf(clouds: Clouds, resources: readonly StackResource[], urn: string): StackResource[] {
  const types = machineTypes(clouds);
  return resources.filter(
    ({ type, ancestors }) => types[type] && !types[type].template && ancestors.some((ancestor) => ancestor.urn === urn),
  );
}

interface MemberSettings extends Allowed {
  readonly minimum: number;
}

export const oddEtcdMembers = (clouds: Clouds) =>
  stackRule<MemberSettings>({
    id: "etcd-odd-members",
    description:
      "An etcd cluster has an odd number of members: an even number tolerates no more failures than the odd number below it.",
    settings: {
      minimum: {
        type: "integer",
        minimum: 1,
        default: 1,
        description: "Minimum number of members; with 3, one may fail.",
      },
      ...allowedNames("may have any number of members (names of corekube:etcd:Cluster)"),
    },
    check: (resources, { minimum }, report) => {
      for (const component of resources.filter(({ type }) => type === cluster)) {
        const { length } = membersOf(clouds, resources, component.urn);
        if (length % 2 === 0) report(component, `has ${length} members; set etcd.count to an odd number.`);
        else if (length < minimum)
          report(
            component,
            `has ${length} members, at least ${minimum} are required; set high_availability, or etcd.count.`,
          );
      }
    },
  });

interface VolumeSettings extends Allowed {
  readonly root: readonly string[];
}

export const etcdOwnVolume = (clouds: Clouds) =>
  stackRule<VolumeSettings>({
    id: "etcd-own-volume",
    description: "Every etcd member has its own volume, which survives its machine.",
    settings: {
      root: {
        type: "array",
        items: { type: "string" },
        default: [],
        description:
          "Names of corekube:etcd:Cluster whose members may keep their data on the machine's own disk (ROOT).",
      },
      ...allowedNames("may have no volume of their own (names of machines)"),
    },
    check: (resources, { root }, report) => {
      const members = resources
        .filter(({ type, name }) => type === cluster && !root.includes(name))
        .flatMap(({ urn }) => membersOf(clouds, resources, urn))
        // The engine's order differs from run to run; the report must not.
        .sort((left, right) => left.name.localeCompare(right.name));
      const users = new Map<string, string>();
      for (const member of members) {
        const own = volumesOf(clouds, member, resources);
        if (own.length === 0) report(member, "no volume is attached to it; create one and attach it to this machine.");
        for (const volume of own) {
          const other = users.get(volume);
          if (other !== undefined)
            report(member, `shares a volume (${volume.split("::").at(-1)}) with ${other}; give it its own volume.`);
          users.set(volume, member.name);
        }
      }
    },
  });

/** URNs of the volumes of a machine, those that its own properties describe included. */
function volumesOf(clouds: Clouds, machine: StackResource, resources: readonly StackResource[]): string[] {
  const volumes = clouds.flatMap(({ policy }) => policy.volumes);
  const attached = resources.flatMap((resource) => {
    const properties = clouds.map(({ policy }) => policy.attachments[resource.type]).find(Boolean);
    return properties && isFor(resource, properties.machine, machine)
      ? volumeOf(resource, properties.volume, resources, volumes)
      : [];
  });
  const inline =
    list(machine.props["volumeIds"]).length > 0 ? resourcesFrom(machine, "volumeIds", resources, volumes) : [];
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

function volumeOf(
  attachment: StackResource,
  property: string,
  resources: readonly StackResource[],
  volumes: readonly string[],
): string[] {
  const found = resourcesFrom(attachment, property, resources, volumes);
  const id = attachment.props[property];
  return found.length > 0 || typeof id !== "string" ? found : [id];
}

function resourcesFrom(
  resource: StackResource,
  property: string,
  resources: readonly StackResource[],
  types: readonly string[],
): string[] {
  const from = resource.sources(property);
  return resources.filter(({ type, urn }) => types.includes(type) && from.includes(urn)).map(({ urn }) => urn);
}
