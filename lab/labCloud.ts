/** The little of a cloud's API that the lab's own commands need, whichever cloud a region plays. */

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
}

/** Kinds of resources, by DigitalOcean's words for them; the last two are AWS's alone. */
export type CloudKind =
  | "droplets"
  | "vpcs"
  | "firewalls"
  | "volumes"
  | "load_balancers"
  | "ssh_keys"
  | "images"
  | "subnets"
  | "target_groups";

export type PowerAction = "power_on" | "power_off" | "shutdown" | "reboot" | "power_cycle";

export interface LabCloud {
  /** All resources of a kind. */
  list(kind: CloudKind): Promise<CloudResource[]>;
  machines(): Promise<CloudMachine[]>;
  /** The load balancer that administrators reach the API through, by the id that its backends are named by; undefined: there is none. */
  publicBalancer(port: number): Promise<CloudResource | undefined>;
  /** Removes one; one that is gone already is no error. */
  remove(kind: CloudKind, id: string): Promise<void>;
  /**
   * Does something to a machine and waits until it is done.
   * @throws Error when the cloud refuses, or when it is not done within a minute.
   */
  act(machine: string, type: PowerAction): Promise<void>;
}
