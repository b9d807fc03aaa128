/** What the cloud brings into its clusters: one part for all clouds, and a description from each. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CloudName } from "../../spec/cluster.js";
import { type AddonContext, namespace, objectName } from "../context.js";
import type { CloudProviderAddon } from "./addon.js";
import { awsAddon } from "./aws.js";
import { createControllerManager } from "./controllerManager.js";
import { createCsiDriver } from "./csi.js";
import { digitaloceanAddon } from "./digitalocean.js";
import { createNodeAddressRule } from "./nodeAddresses.js";
import { createStorageClasses } from "./storageClasses.js";

const addons: Readonly<Record<CloudName, CloudProviderAddon>> = { aws: awsAddon, digitalocean: digitaloceanAddon };

/**
 * Answers with what workers wait for: a node takes pods only after the cloud controller manager has been at it.
 * @param network The cloud's id of the machines' private network.
 */
export function createCloudProvider(
  context: AddonContext,
  network?: pulumi.Output<string>,
): readonly pulumi.Resource[] {
  const { spec, opts } = context;
  if (spec.cloudProvider === "none") return [];
  const addon = addons[spec.cloudProvider];
  const credentials = addon.credentials?.();
  const secret = credentials && [
    new kubernetes.core.v1.Secret(
      objectName(context, credentials.name),
      { metadata: { name: credentials.name, namespace }, stringData: pulumi.secret({ ...credentials.data }) },
      opts,
    ),
  ];
  const rule = createNodeAddressRule(context);
  const manager = createControllerManager(context, addon.controllerManager(spec, network), [
    ...(secret ?? []),
    ...rule,
  ]);
  const driver = addon.driver(spec);
  createStorageClasses(context, driver.provisioner, addon.storageClasses(spec));
  if (spec.csiDriver) createCsiDriver(context, driver, [manager]);
  return [manager];
}
