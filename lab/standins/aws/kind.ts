/** What all of AWS's resource types have in common: services, tags, and the ways in which its APIs lag behind. */
import type { ResourceType } from "@aws-sdk/client-ec2";
import type { Kind } from "../../../provider/rpc/kind.js";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { type Context, managed, type ManagedKind } from "../framework/managed.js";
import { bag } from "../framework/values.js";
import type { Cloud, Services } from "./cloud.js";
import { isInUse, isNotFound } from "./errors.js";

export type AwsContext = Context<Services>;
export type Tags = Readonly<Record<string, string>>;

interface ApiTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** @param kind Its input `tags`, when it has one, is shown as `tagsAll` too. */
export function aws<Remote>(kind: ManagedKind<Services, Remote>): Kind<Cloud> {
  const shown = (inputs: Properties): Properties =>
    inputs["tags"] === undefined ? inputs : { ...inputs, tagsAll: inputs["tags"] };
  const outputs = (remote: Remote, inputs: Properties): Properties => shown(kind.outputs(remote, inputs));
  return managed(
    { ...kind, shown, outputs },
    { open: (cloud: Cloud, signal) => cloud.services(signal), isGone: isNotFound, sticky: true },
  );
}

/** Those that AWS sets itself are left out. */
export function fromApiTags(tags: readonly ApiTag[] | undefined): Tags {
  return Object.fromEntries(
    (tags ?? [])
      .filter(({ Key }) => Key !== undefined && !Key.startsWith("aws:"))
      .map((tag): [string, string] => [tag.Key ?? "", tag.Value ?? ""]),
  );
}

export function toApiTags(tags: Value | undefined): { Key: string; Value: string }[] {
  return Object.entries(bag(tags)).map(([Key, item]) => ({ Key, Value: String(item) }));
}

/** For the creation of a resource of EC2. */
export function tagSpecification(
  type: ResourceType,
  tags: Value | undefined,
): { ResourceType: ResourceType; Tags: { Key: string; Value: string }[] }[] | undefined {
  const list = toApiTags(tags);
  return list.length === 0 ? undefined : [{ ResourceType: type, Tags: list }];
}

/** Makes tags what they should be. */
export async function retag(
  before: Tags,
  wanted: Value | undefined,
  set: (tags: { Key: string; Value: string }[]) => Promise<unknown>,
  remove: (keys: string[]) => Promise<unknown>,
): Promise<void> {
  const after = bag(wanted);
  const gone = Object.keys(before).filter((key) => !(key in after));
  const changed = toApiTags(Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value)));
  if (gone.length > 0) await remove(gone);
  if (changed.length > 0) await set(changed);
}

/** The same of a resource of EC2. */
export function retagEc2(
  { cloud: { ec2 } }: AwsContext,
  id: string,
  tags: readonly ApiTag[] | undefined,
  wanted: Value | undefined,
): Promise<void> {
  return retag(
    fromApiTags(tags),
    wanted,
    (Tags) => ec2.createTags({ Resources: [id], Tags }),
    (keys) => ec2.deleteTags({ Resources: [id], Tags: keys.map((Key) => ({ Key })) }),
  );
}

/** For types of EC2 of which nothing but tags changes in place. */
export async function convergeTags(
  context: AwsContext,
  id: string,
  remote: { readonly Tags?: readonly ApiTag[] | undefined },
  inputs: Properties,
): Promise<void> {
  await retagEc2(context, id, remote.Tags, inputs["tags"]);
}

/** Tries again while something that is being deleted still uses it. */
export async function whenFree({ deadline }: AwsContext, what: string, work: () => Promise<unknown>): Promise<void> {
  await deadline.retry(`${what} to be unused`, isInUse, work);
}

/** Does not mind that there is nothing (any more). */
export async function ifThere(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
