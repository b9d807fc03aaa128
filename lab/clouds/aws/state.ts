/** What the region's AWS holds, as moto/launcher.py answers it, all of the same moment. */
import type { VolumeSight } from "../../region/spec.js";

export interface AwsInstance {
  readonly id: string;
  readonly state: "pending" | "running" | "shutting-down" | "stopping" | "stopped";
  readonly type: string;
  readonly cpus: number;
  /** MiB */
  readonly memory: number;
  readonly image: string;
  readonly zone: string;
  readonly subnet: string;
  readonly vpc: string;
  readonly privateAddress: string;
  readonly publicAddress: string | null;
  readonly mac: string;
  /** Id of its network interface. */
  readonly interface: string;
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  /** GiB */
  readonly rootDisk: number;
  readonly rootVolume: string | null;
  /** In base64, as the API was given it. */
  readonly userData: string;
  readonly keyName: string | null;
  /** In OpenSSH's format. */
  readonly publicKey: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly hopLimit: number;
  /** Whether the metadata service shows the tags. */
  readonly metadataTags: boolean;
  readonly profile: {
    readonly id: string;
    readonly name: string;
    readonly arn: string;
    readonly roles: readonly string[];
  } | null;
  readonly launched: string;
}

export interface AwsRule {
  /** "-1": every one. */
  readonly protocol: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly cidr: string | null;
  /** Id of the security group that may talk instead of a network. */
  readonly group: string | null;
}

export interface AwsListener {
  readonly protocol: string;
  readonly port: number;
  /** Target group's ARN; the load balancer's name for a classic one. */
  readonly group: string;
  readonly targetType: string;
  readonly targets: readonly { readonly id: string; readonly port: number }[];
  readonly health: {
    readonly protocol: string;
    /** "traffic-port": that of the target. */
    readonly port: string;
    readonly path: string | null;
    /** seconds */
    readonly interval: number;
    readonly timeout: number;
    readonly healthy: number;
    readonly unhealthy: number;
  };
}

export interface AwsBalancer {
  readonly id: string;
  readonly name: string;
  readonly dnsName: string;
  readonly internal: boolean;
  readonly vpc: string;
  readonly publicAddress: string | null;
  readonly privateAddress: string;
  /** Security groups; none: everyone may connect. */
  readonly groups: readonly string[];
  readonly listeners: readonly AwsListener[];
}

export interface AwsState {
  /** Differs after each start of moto, which begins empty. */
  readonly epoch: string;
  readonly account: string;
  readonly region: string;
  readonly vpcs: readonly { readonly id: string; readonly cidr: string }[];
  readonly subnets: readonly {
    readonly id: string;
    readonly vpc: string;
    readonly cidr: string;
    readonly zone: string;
  }[];
  readonly routeTables: readonly {
    readonly id: string;
    readonly vpc: string;
    readonly main: boolean;
    readonly subnets: readonly string[];
    readonly routes: readonly {
      readonly cidr: string;
      readonly internet: string | null;
      readonly nat: string | null;
    }[];
  }[];
  readonly natGateways: readonly {
    readonly id: string;
    readonly subnet: string;
    readonly publicAddress: string | null;
  }[];
  readonly instances: readonly AwsInstance[];
  readonly volumes: readonly {
    readonly id: string;
    readonly size: number;
    readonly instance: string | null;
    readonly device: string | null;
    readonly attachment: "attaching" | "attached" | "detaching" | "busy" | null;
  }[];
  readonly groups: readonly {
    readonly id: string;
    readonly vpc: string;
    readonly ingress: readonly AwsRule[];
    readonly egress: readonly AwsRule[];
  }[];
  readonly balancers: readonly AwsBalancer[];
  /** Ids of everything in the account, by kind. */
  readonly kinds: Readonly<Record<string, readonly string[]>>;
}

/** What the machines report. */
export interface AwsReport {
  readonly instances: readonly { readonly id: string; readonly state: "stopped" }[];
  /** Target group (or classic load balancer) to instance to whether it is healthy; an instance that is not there was not tried yet. */
  readonly health: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  /** What machines show of volumes that are being attached or detached. */
  readonly volumes: Readonly<Record<string, VolumeSight>>;
}
