/** What the policies know of a cloud's resources: types, and where a resource says what rules ask about. Pure. */
import type { Bag, unknown, Value } from "./propertyValues.js";

/** A resource as the program asks for it. */
export interface Resource {
  /** As the engine writes it: `aws:ec2/instance:Instance`. */
  readonly type: string;
  /** The program's name for it, which exceptions of rules refer to. */
  readonly name: string;
  readonly urn: string;
  /** Its inputs; in rules about the whole stack the provider's outputs. */
  readonly props: Bag;
  readonly protect: boolean;
  /** Settings of its provider. */
  readonly provider: Bag;
}

export interface StackResource extends Resource {
  /** Its parents, the closest first. */
  readonly ancestors: readonly { readonly type: string; readonly name: string; readonly urn: string }[];
  /** URNs of the resources that a property takes its value from. */
  sources(property: string): readonly string[];
}

export interface MachineType {
  /** Machines are made from it; it is not a machine itself. @default false */
  readonly template?: true;
  /** Its `userData` is in base64 only. @default false */
  readonly base64?: true;
  /** It has `metadataOptions`, as EC2 has: versions of the metadata service and network hops of answers. @default false */
  readonly metadataOptions?: true;
}

/** Where a resource names an operating system image. */
export interface ImageProperty {
  readonly property: string;
  /** What ids of images look like. @default there are none */
  readonly id?: RegExp;
  /** Not set: names and addresses are accepted as well, when they contain a version. Set: ids only, of this form. */
  readonly idsOnly?: string;
}

/** A way in from networks. */
export interface Opening {
  /** Where in the resource's properties. */
  readonly path: string;
  readonly ports: { readonly from: number; readonly to: number };
  /** Name or number of the protocol. */
  readonly protocol: Value;
  readonly networks: readonly string[];
}

/** A property that decides whether a disk is encrypted. */
export interface EncryptionSwitch {
  readonly path: string;
  readonly value: Value;
  /** Where it is not set, a default of the account decides. */
  readonly accountDefault: boolean;
}

export interface CloudPolicy {
  /** Types that are machines, or templates of machines. */
  readonly machines: Readonly<Record<string, MachineType>>;
  readonly images: Readonly<Record<string, ImageProperty>>;
  /** Types of volumes that exist without a machine. */
  readonly volumes: readonly string[];
  /** Types that attach a volume, with the properties that name machine and volume. */
  readonly attachments: Readonly<Record<string, { readonly machine: string; readonly volume: string }>>;
  /** Ways in that a resource opens; none for other types. */
  readonly openings: (resource: Resource) => readonly Opening[];
  /** Machines and load balancers that no firewall protects. */
  readonly unprotected: (
    resources: readonly StackResource[],
  ) => readonly { readonly resource: StackResource; readonly problem: string }[];
  /** Keys of the tags that have a value. Undefined: the type has no tags. `unknown`: some are not known yet. */
  readonly tagKeys: (resource: Resource) => ReadonlySet<string> | typeof unknown | undefined;
  readonly encryption: (resource: Resource) => readonly EncryptionSwitch[];
}
