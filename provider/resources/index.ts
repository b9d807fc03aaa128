import { announcement } from "../rollout/announcement.js";
import type { PluginFunction } from "../rpc/kind.js";
import type { Settings } from "../settings.js";
import { Delivery } from "./delivery.js";
import { Identity } from "./identity.js";
import { EncryptionKey } from "./encryptionKey.js";
import { Join } from "./join.js";
import type { ResourceKind } from "./kind.js";
import { Readiness } from "./readiness.js";
import { Rewrite } from "./rewrite.js";

/** The resource types by their tokens. */
export const kinds: ReadonlyMap<string, ResourceKind> = new Map<string, ResourceKind>([
  ["corekube:machine:Delivery", new Delivery()],
  ["corekube:machine:Join", new Join()],
  ["corekube:cluster:Identity", new Identity()],
  ["corekube:cluster:EncryptionKey", new EncryptionKey()],
  ["corekube:cluster:Readiness", new Readiness()],
  ["corekube:cluster:Rewrite", new Rewrite()],
]);

/** What the program may tell the provider, by token. */
export const functions: ReadonlyMap<string, PluginFunction<Settings>> = new Map([
  ["corekube:rollout:announce", (given) => announcement.begin(given)],
]);
