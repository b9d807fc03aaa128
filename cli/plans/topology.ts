/** What a cluster consists of, as far as plans show it. Pure. */
import { addonsOf, splitByWorkers } from "../../components/addons/list.js";
import { resourceTypes } from "../../components/contract/resources.js";
import { type Role, roles } from "../../components/spec/cluster.js";
import { machineNames } from "../../components/spec/names.js";

/** A resource, by its URN. */
export interface Ref {
  readonly urn: string;
  readonly type: string;
  /** In the program. */
  readonly name: string;
  /** Types of the components around it, the outermost first. */
  readonly within: readonly string[];
}

export function refOf(urn: string): Ref {
  const [, , types = "", ...name] = urn.split("::");
  const chain = types.split("$");
  return { urn, type: chain.at(-1)!, name: name.join("::"), within: chain.slice(0, -1) };
}

export interface PlannedMachine {
  readonly name: string;
  readonly role: Role;
}

export interface PlannedAddon {
  readonly name: string;
  /** It is made before workers join. */
  readonly early: boolean;
}

export interface Topology {
  /** In the order of a run. */
  readonly machines: readonly PlannedMachine[];
  readonly addons: readonly PlannedAddon[];
  /** The API has load balancers. */
  readonly loadBalancers: boolean;
  /** Workers that may change at the same time. */
  readonly atOnce: number;
}

/** Components whose workloads are add-ons: before workers join, and after. */
const addonComponents = { early: "corekube:addons:NodeAddons", late: "corekube:addons:ClusterAddons" } as const;

export const isWorkload = ({ type, within }: Ref): boolean =>
  /^kubernetes:apps\/v1:(DaemonSet|Deployment)$/.test(type) &&
  (within.includes(addonComponents.early) || within.includes(addonComponents.late));

/** What a run waits for: the pods of a DaemonSet are a resource of their own. */
export const runsPods = (ref: Ref): boolean => isWorkload(ref) || ref.type === resourceTypes.nodePods;

const endpointComponent = "corekube:endpoint:ApiEndpoint";

export const isLoadBalancer = ({ within }: Ref): boolean => within.includes(endpointComponent);

/** Machines are named `<cluster>-<role>-<index>`. */
function roleOf(name: string): Role | undefined {
  const part = name.split("-").at(-2);
  return roles.find((role) => role === part);
}

/** Machines by their names, in no order; other names are left out. */
const machinesNamed = (names: readonly string[]): readonly PlannedMachine[] =>
  names.flatMap((name) => {
    const role = roleOf(name);
    return role === undefined ? [] : [{ name, role }];
  });

/** The cluster's machines and add-ons as far as these resources show them. */
export function topologyOf(refs: readonly Ref[], cluster: string): Topology {
  const ofMachines = refs.filter(({ type }) => type === resourceTypes.delivery || type === resourceTypes.join);
  return {
    machines: machinesNamed(ofMachines.map(({ name }) => name)),
    addons: refs.filter(isWorkload).map(({ name, within }) => ({
      name: name.startsWith(`${cluster}-`) ? name.slice(cluster.length + 1) : name,
      early: within.includes(addonComponents.early),
    })),
    loadBalancers: refs.some(isLoadBalancer),
    atOnce: 1,
  };
}

/** The settings that decide about it; values as the engine keeps them. */
export interface PlanSettings {
  readonly cluster: string;
  readonly highAvailability: boolean;
  readonly etcd: number;
  readonly workers: number;
  readonly publicWorkers: number;
  readonly atOnce: number;
  readonly addons: Parameters<typeof addonsOf>[0];
}

/** The cluster as the settings say, made or not. */
export function plannedTopology(settings: PlanSettings): Topology {
  const pool = (role: Role, count: number): PlannedMachine[] =>
    machineNames(settings.cluster, { pool: role, count }).map((name) => ({ name, role }));
  const { without, on } = splitByWorkers(addonsOf(settings.addons));
  // The names of the drivers' workloads are the clouds' own, which are not loaded here.
  const withPods = (list: typeof without): readonly string[] =>
    list.flatMap(({ name, runsOn }) => (runsOn === undefined || name.startsWith("csi-") ? [] : [name]));
  return {
    machines: [
      ...pool("etcd", settings.etcd),
      ...pool("controller", settings.highAvailability ? 3 : 1),
      ...pool("worker", settings.workers),
      ...pool("public", settings.publicWorkers),
    ],
    addons: [
      ...withPods(without).map((name) => ({ name, early: true })),
      ...withPods(on).map((name) => ({ name, early: false })),
    ],
    loadBalancers: settings.highAvailability,
    atOnce: settings.atOnce,
  };
}

/** The machines of a state, in their order. */
export const machinesOf = (refs: readonly Ref[], others: readonly string[] = []): readonly PlannedMachine[] =>
  together({ ...topologyOf(refs, ""), machines: [...topologyOf(refs, "").machines, ...machinesNamed(others)] })
    .machines;

/** Everything that is in any of them; the first decides how many may change at a time. */
export function together(first: Topology, ...others: readonly Topology[]): Topology {
  const all = [first, ...others];
  const unique = <Item extends { readonly name: string }>(items: readonly Item[]): Item[] => [
    ...new Map(items.map((item) => [item.name, item])).values(),
  ];
  const index = (name: string): number => Number(name.split("-").at(-1));
  return {
    machines: unique(all.flatMap(({ machines }) => machines)).sort(
      (a, b) => roles.indexOf(a.role) - roles.indexOf(b.role) || index(a.name) - index(b.name),
    ),
    addons: unique(all.flatMap(({ addons }) => addons)),
    loadBalancers: all.some(({ loadBalancers }) => loadBalancers),
    atOnce: first.atOnce,
  };
}
