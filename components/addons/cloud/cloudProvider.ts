/** What the cloud brings into its clusters: one part for all clouds, and a description from each. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CloudProviderAddon } from "../../cloud/addon.js";
import { type AddonContext, namespace, objectName } from "../context.js";
import { createControllerManager } from "./controllerManager.js";
import { createCsiDriver } from "./csi.js";
import { createNodeAddressRule } from "./nodeAddresses.js";
import { createStorageClasses } from "./storageClasses.js";

/**
 * Returns what workers wait for: a node runs pods only after the cloud controller manager has initialized it.
 * @param network The cloud's id of the machines' private network.
 */
export function createCloudProvider(
  context: AddonContext,
  addon: CloudProviderAddon,
  network?: pulumi.Output<string>,
): readonly pulumi.Resource[] {
  const { spec, opts } = context;
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
