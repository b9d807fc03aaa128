/** What every resource of the API works with. */
import type { AddressMode } from "../../addressMode.js";
import type { LabConfig } from "../../config.js";
import type { Scarcity } from "../../scarcity.js";
import type { Synchroniser } from "../../region/synchroniser.js";
import type { AppliedState } from "./applied.js";
import { notFound, unprocessable } from "./errors.js";
import type { DropletRecord, State, VpcRecord } from "./state.js";
import type { Store } from "./store.js";
import type { Tasks } from "./tasks.js";

export interface Delays {
  /** Until a custom image becomes available, in milliseconds. @default 2000 */
  readonly image: number;
  /** Until a load balancer that was made becomes active, in milliseconds. @default 500 */
  readonly loadBalancer: number;
}

export interface Context {
  readonly config: LabConfig;
  readonly store: Store;
  readonly state: State;
  readonly region: Synchroniser;
  readonly tasks: Tasks;
  readonly applied: AppliedState;
  readonly delays: Delays;
  /** When addresses are given out again. */
  readonly addresses: () => AddressMode;
  readonly scarcity: () => Scarcity;
}

/** @throws ApiError 404 */
export function requireDroplet(context: Context, id: number): DropletRecord {
  const droplet = context.store.droplet(id);
  if (!droplet) throw notFound();
  return droplet;
}

/** Adds tags that do not exist yet. @returns the names as they are spelled in the account. */
export function ensureTags(context: Context, names: readonly string[]): string[] {
  const { tags } = context.state;
  return [
    ...new Set(
      names.map((name) => {
        const existing = tags.find((tag) => tag.toLowerCase() === name.toLowerCase());
        if (existing !== undefined) return existing;
        tags.push(name);
        context.store.changed();
        return name;
      }),
    ),
  ];
}

/**
 * The network of a new member: the one it names or the region's default.
 * @throws ApiError 422 when it is unknown or in another region.
 */
export function memberNetwork({ state }: Context, id: string | undefined, region: string): VpcRecord {
  const vpc =
    id === undefined
      ? state.vpcs.find((candidate) => candidate.region === region && candidate.default)
      : vpcById(state, id);
  if (!vpc)
    throw unprocessable(
      `vpc_uuid: ${id === undefined ? `region ${region} has no default VPC` : `VPC ${id} does not exist`}`,
    );
  if (vpc.region !== region)
    throw unprocessable(`vpc_uuid: VPC ${vpc.id} is in region ${vpc.region}, not in ${region}`);
  return vpc;
}

const vpcById = (state: State, id: string): VpcRecord | undefined => state.vpcs.find((vpc) => vpc.id === id);

/** Whether the lab's own pool of public addresses has one left. @throws ApiError 422 when it has not. */
export function publicAddress(context: Context): string {
  const address = context.store.allocate(context.config.publicCidr, 2, context.addresses());
  if (address === undefined)
    throw unprocessable(`no public address of ${context.config.publicCidr} is free; delete droplets or load balancers`);
  return address;
}

/** @throws ApiError 422 when the network is full. */
export function privateAddress(context: Context, vpc: VpcRecord): string {
  const small = Number(vpc.ip_range.split("/")[1]) >= 28;
  const address = context.store.allocate(vpc.ip_range, small ? 2 : 10, context.addresses());
  if (address === undefined)
    throw unprocessable(
      `no address of VPC ${vpc.name} (${vpc.ip_range}) is free; delete members or use a larger network`,
    );
  return address;
}
