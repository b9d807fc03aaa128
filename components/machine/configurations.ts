/** What machines run, as resources: the engine shows every change of it, file by file, before it is made. */
import * as pulumi from "@pulumi/pulumi";
import type { CloudProfile } from "../cloud/profile.js";
import type { Configuration } from "../contract/configurations.js";
import { resourceTypes } from "../contract/resources.js";
import { machineConfiguration } from "../nodeconfig/index.js";
import { type ClusterSpec, type Role, roles } from "../spec/cluster.js";

/** A role's, in the state once and not for each machine, whose own resources have its digest. */
class MachineConfiguration extends pulumi.CustomResource {
  constructor(name: string, configuration: Configuration, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.configuration, name, { ...configuration }, opts);
  }
}

/** By role. */
export type Configurations = Readonly<Record<Role, Configuration>>;

/** Registers what the machines of each role run. */
export function registerConfigurations(spec: ClusterSpec, profile: CloudProfile): Configurations {
  const configurations = roles.map((role) => {
    const configuration = machineConfiguration(spec, role, profile);
    new MachineConfiguration(`${spec.name}-${role}`, configuration);
    return [role, configuration] as const;
  });
  return Object.fromEntries(configurations) as Record<Role, Configuration>;
}
