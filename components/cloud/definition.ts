/**
 * A cloud as one object: all that the program, the provider, the policies and the cost estimates know of it.
 *
 * Definitions are plain data and pure functions, and cheap to load. What needs the cloud's SDK is loaded by `preflight` and `addon`.
 */
import type { CloudName, CloudSpec } from "../spec/clouds.js";
import type { ClusterSpec } from "../spec/cluster.js";
import type { Settings } from "../spec/settings/index.js";
import type { Option } from "../spec/settings/option.js";
import type { Problem, Rule } from "../spec/settings/rule.js";
import type { CloudProviderAddon } from "./addon.js";
import type { CloudPreflight } from "./cloud.js";
import type { CloudPolicy } from "./policy.js";
import type { CloudPrices } from "./prices.js";
import type { CloudProfile } from "./profile.js";

/** A setting of the cloud that cannot change once the cluster exists. */
export interface ImmutableSetting {
  /** Path of the setting: `aws.vpc_id`. */
  readonly setting: string;
  /** Why it cannot change, as a part of a sentence. */
  readonly reason: string;
  /** Its value for a cluster on this cloud; empty: not set. */
  readonly value: (spec: ClusterSpec) => string;
}

export interface CloudDefinition {
  /** Value of the setting `cloud`, and namespace of the settings that only this cloud has. */
  readonly name: CloudName;
  readonly profile: CloudProfile;
  /** The setting with the cloud's name, for what only this cloud has. @default there is none */
  readonly option?: Option;
  /** Checked for clusters on this cloud only. */
  readonly rules: readonly Rule[];
  /**
   * Problems with the configuration of the cloud's own provider, for a cluster on this cloud.
   * @param configuration The stack's whole configuration, by full keys such as `aws:region`.
   */
  readonly providerProblems: (
    configuration: Readonly<Record<string, string>>,
    settings: Settings,
  ) => readonly Problem[];
  /** The cloud's part of the description. */
  readonly spec: (settings: Settings) => CloudSpec;
  /** Whether machines have no public addresses, so that the API is reached through load balancers only. */
  readonly hasPrivateMachines: (settings: Settings) => boolean;
  /** By the name of the input of the resource that keeps it; names are unique among clouds. */
  readonly immutable: Readonly<Record<string, ImmutableSetting>>;
  /** Loads the cloud's SDK. */
  readonly preflight: CloudPreflight;
  /** The cloud's part of the cluster's add-ons. Loads modules. */
  readonly addon: () => Promise<CloudProviderAddon>;
  readonly prices: CloudPrices;
  readonly policy: CloudPolicy;
}
