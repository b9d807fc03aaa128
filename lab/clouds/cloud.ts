/** What a cloud of the lab is to the rest of it: one object, exported by its folder. */
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import type { Driver } from "../region/spec.js";
import type { Logger } from "../region/synchroniser.js";
import type { DebianPackage } from "../toolchain/packages.js";

export interface CloudResource {
  readonly id: string;
  readonly name: string;
}

/** A machine, with the number by which it is known on this host. */
export interface CloudMachine extends CloudResource {
  readonly number: number;
  /** As the cloud words it. */
  readonly status: string;
  readonly on: boolean;
  /** Empty: none. */
  readonly publicAddress: string;
}

/** Kinds of resources that an interrupted run may leave behind. */
export type ResourceKind =
  | "machines"
  | "vpcs"
  | "subnets"
  | "firewalls"
  | "volumes"
  | "load_balancers"
  | "target_groups"
  | "ssh_keys"
  | "images";

export type PowerAction = "power_on" | "power_off";

/** The little of a cloud's API that the lab's own commands need. */
export interface CloudClient {
  /** All resources of a kind; none of a kind that the cloud does not have. */
  list(kind: ResourceKind): Promise<CloudResource[]>;
  machines(): Promise<CloudMachine[]>;
  /** The load balancer through which administrators reach the API, by the id that its backends are named by. */
  publicBalancer(port: number): Promise<CloudResource | undefined>;
  /** Removes one; one that is gone already is no error. */
  remove(kind: ResourceKind, id: string): Promise<void>;
  /**
   * Does something to a machine and waits until it is done.
   * @throws Error when the cloud refuses, or when it is not done within a minute.
   */
  act(machine: string, type: PowerAction): Promise<void>;
}

/** Something that serves; closing it leaves machines and load balancers alone. */
export interface Closer {
  readonly name: string;
  readonly close: () => Promise<unknown>;
}

export interface LabCloud {
  /** As `corekube:cloud` names it. */
  readonly name: string;
  /** What it needs of Debian. */
  readonly packages: readonly DebianPackage[];
  /** Installs what it needs into the cache; what is there is kept. */
  prepare(config: LabConfig, progress: Progress): Promise<void>;
  /** Serves API and metadata in the region's namespace, and keeps the machines as the API wants them. */
  serve(config: LabConfig, driver: Driver, logger: Logger): Promise<readonly Closer[]>;
  /** Path of the API whose answer says that it serves. */
  readonly probe: string;
  client(config: LabConfig): CloudClient;
  /** What the program's provider and other clients find their account by. */
  environment(config: LabConfig): Readonly<Record<string, string>>;
  /** Domain below which its load balancers have their names, which this host reaches without a proxy. @default they have addresses */
  readonly balancerDomain?: string;
  /** Variables of the user's that would lead them to an account of the user's own. */
  readonly conflictingVariables: readonly string[];
  /** Types of the program's resources, with the kind that lists them. Those that may be made twice are not here. */
  readonly resourceTypes: Readonly<Record<string, ResourceKind>>;
  /** Outputs of a machine's resource that hold its addresses. */
  readonly addressOutputs: { readonly public: string; readonly private: string };
  /** Why the account cannot be managed any more, with what to do; undefined: it can. */
  lost(config: LabConfig): string | undefined;
  /** One line for `make status`, where there is something to say. */
  status?(config: LabConfig): string;
  /** Ids of what is left in the account, by kind, for clouds whose account should be empty after a destroy. */
  left?(config: LabConfig): Promise<Readonly<Record<string, readonly string[]>>>;
}

/** Kinds that something is left of, with what is left; none when the account is empty. */
export const leftOf = ({ kinds }: { readonly kinds: Readonly<Record<string, readonly string[]>> }): string[] =>
  Object.entries(kinds).flatMap(([kind, ids]) => (ids.length === 0 ? [] : [`${kind}: ${ids.join(", ")}`]));
