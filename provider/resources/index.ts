/** Everything that the provider offers, by token. */
import { configurationShape } from "../../components/contract/configurations.js";
import { removedApisFunction } from "../../components/contract/removedApis.js";
import { releasesShape, resourceTypes } from "../../components/contract/resources.js";
import { brokenFunction, planFunction } from "../../components/rollout/plan.js";
import { findBroken } from "../../components/rollout/provider/findBroken.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import type { ResourceKind } from "../operation/resourceKind.js";
import type { Settings } from "../operation/settings.js";
import type { PluginFunction } from "../rpc/kind.js";
import { Delivery } from "./delivery.js";
import { EncryptionKeyGate } from "./encryptionKeyGate.js";
import { ImmutableSettings } from "./immutableSettings.js";
import { Join } from "./join.js";
import { Leftovers } from "./leftovers.js";
import { NodeCleanup } from "./nodeCleanup.js";
import { NodePods } from "./nodePods.js";
import { Readiness } from "./readiness.js";
import { Recorded } from "./recorded.js";
import { removedApis } from "./removedApis.js";
import { SecretsReencryption } from "./secretsReencryption.js";

export const kinds: ReadonlyMap<string, ResourceKind> = new Map<string, ResourceKind>([
  [resourceTypes.delivery, new Delivery()],
  [resourceTypes.join, new Join()],
  [resourceTypes.configuration, new Recorded("configuration", configurationShape, ["digest"])],
  [resourceTypes.immutableSettings, new ImmutableSettings()],
  [resourceTypes.encryptionKeyGate, new EncryptionKeyGate()],
  [resourceTypes.readiness, new Readiness()],
  [resourceTypes.nodePods, new NodePods()],
  [resourceTypes.leftovers, new Leftovers()],
  [resourceTypes.nodeCleanup, new NodeCleanup()],
  [resourceTypes.releases, new Recorded("releases", releasesShape, Object.keys(releasesShape))],
  [resourceTypes.secretsReencryption, new SecretsReencryption()],
]);

export const functions: ReadonlyMap<string, PluginFunction<Settings>> = new Map<string, PluginFunction<Settings>>([
  [planFunction, (given) => rolloutPlan.begin(given)],
  [brokenFunction, findBroken],
  [removedApisFunction, removedApis],
]);
