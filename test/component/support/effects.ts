/** What a change of settings does to a cluster that runs, from what the program registers before and after. */
import { clouds } from "../../../components/clouds.js";
import { allImmutables } from "../../../components/immutables/all.js";
import { clusterSpec } from "../../../infra/config.js";
import { configuration, type Settings } from "../../settings/support/cases.js";
import type { ClusterSpec } from "../../../components/spec/cluster.js";
import type { Calls } from "./mocks.js";
import { keyOf, type Registration, type Run, runProgram } from "./registrations.js";

const roles = ["etcd", "controller", "worker", "public", "bastion"] as const;
type Role = (typeof roles)[number];
const names: Readonly<Record<Role, string>> = {
  etcd: "etcd members",
  controller: "controllers",
  worker: "workers",
  public: "public workers",
  bastion: "the bastion",
};

const machineTypes = ["Droplet", "Instance"];
/** Inputs of machines that clouds change while they run, and what machines read at their first boot only. */
const changeable = new Set(["tags", "userData", "userDataBase64", "urn", "volumeTags"]);

const last = (type: string): string => type.split(":").pop() ?? "";
const roleOf = (name: string): Role | undefined => roles.find((role) => new RegExp(`-${role}(-\\d+)?$`).test(name));
const changedInputs = (before: Registration, after: Registration): string[] =>
  [...new Set([...Object.keys(before.inputs), ...Object.keys(after.inputs)])].filter(
    (key) => JSON.stringify(before.inputs[key]) !== JSON.stringify(after.inputs[key]),
  );

/** In the words of the reference. */
export async function effectOf(before: Settings, after: Settings, calls: Calls = {}): Promise<string> {
  const from = clusterSpec(configuration(before));
  const { kubernetesVersion, nodeVersion } = from;
  const releases = { kubernetesVersion, nodeVersion };
  const to = clusterSpec(configuration(after), [], clouds, { started: releases, finished: releases });
  if (isRefused(from, to)) return "refused";
  return describe(await runProgram(from, calls), await runProgram(to, calls));
}

/** As the provider decides it. */
function isRefused(from: ClusterSpec, to: ClusterSpec): boolean {
  return Object.values(allImmutables()).some(({ value, accepts }) => {
    const [was, is] = [value(from), value(to)];
    return was !== is && !(was !== undefined && is !== undefined && (accepts?.(was, is) ?? false));
  });
}

function describe(from: Run, to: Run): string {
  const [before, after] = [from, to].map(
    ({ registrations }) => new Map(registrations.filter(({ custom }) => custom).map((each) => [keyOf(each), each])),
  ) as [Map<string, Registration>, Map<string, Registration>];
  const found: Record<"replaced" | "inPlace" | "added", Set<Role>> = {
    replaced: new Set(),
    inPlace: new Set(),
    added: new Set(),
  };
  let [cloud, api] = [false, false];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    const { type, name } = (is ?? was)!;
    const changed = was && is ? changedInputs(was, is) : ["all"];
    if (changed.length === 0) continue;
    const role = roleOf(name);
    if (machineTypes.includes(last(type)) && role) {
      if (!was || !is) found.added.add(role);
      else if (changed.some((input) => !changeable.has(input))) found.replaced.add(role);
      else cloud ||= changed.some((input) => input === "tags");
    } else if (["Delivery", "Join"].includes(last(type)) && role) {
      if (was && is && changed.some((input) => ["configuration", "files", "labels", "taints"].includes(input)))
        found.inPlace.add(role);
    } else if (/^(digitalocean|aws):/.test(type)) cloud = true;
    else if (type.startsWith("kubernetes:") && last(type) !== "kubernetes") api = true;
  }
  for (const role of found.added) found.replaced.delete(role);
  for (const role of [...found.replaced, ...found.added]) found.inPlace.delete(role);
  const list = (of: ReadonlySet<Role>): string =>
    of.size >= 4 && ["etcd", "controller", "worker", "public"].every((role) => of.has(role as Role))
      ? "all machines"
      : roles
          .filter((role) => of.has(role))
          .map((role) => names[role])
          .join(", ");
  const parts = [
    ...(found.added.size > 0 ? [`adds or removes ${list(found.added)}`] : []),
    ...(found.replaced.size > 0 ? [`replaces ${list(found.replaced)}`] : []),
    ...(found.inPlace.size > 0 ? [`in place on ${list(found.inPlace)}`] : []),
    ...(cloud && found.added.size === 0 && found.replaced.size === 0 ? ["the cloud's resources"] : []),
    ...(api ? ["API objects"] : []),
  ];
  return parts.length === 0 ? "nothing" : parts.join("; ");
}
