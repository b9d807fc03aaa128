/** What all resource types of DigitalOcean's API have in common. */
import type { Kind } from "../../../provider/rpc/kind.js";
import type { Properties } from "../../../provider/rpc/properties.js";
import { type Context, managed, type ManagedKind } from "../framework/managed.js";
import { type Api, type Client, isStatus, type Json, objectAt } from "./client.js";

export type DoContext = Context<Api>;

interface Rest {
  /** Collection, such as `/v2/droplets`. */
  readonly path: string;
  /** Name of the object in the API's answers. */
  readonly key: string;
  /** What a creation sends. */
  readonly body: (inputs: Properties) => unknown;
}

/** A type that is created, read and deleted as the API does with nearly all of them; `more` says the rest. */
export function rest(
  { path, key, body }: Rest,
  more: Pick<ManagedKind<Api, Json>, "title" | "inputs" | "computed" | "outputs"> & Partial<ManagedKind<Api, Json>>,
): Kind<Client> {
  return digitalocean({
    create: async ({ cloud }, inputs) => String(objectAt(await cloud.call("POST", path, body(inputs)), key)["id"]),
    read: ({ cloud }, id) => cloud.find(`${path}/${encodeURIComponent(id)}`, key),
    remove: async ({ cloud }, id) => void (await cloud.call("DELETE", `${path}/${encodeURIComponent(id)}`)),
    ...more,
  });
}

export function digitalocean<Remote>(kind: ManagedKind<Api, Remote>): Kind<Client> {
  return managed(kind, {
    open: (client: Client, signal) => client.api(signal),
    isGone: (error) => isStatus(error, 404),
    sticky: false,
  });
}

/** Deletes as soon as what uses it is gone: the API refuses it before with one of the statuses. */
export async function whenFree(
  { cloud, deadline }: DoContext,
  what: string,
  path: string,
  ...statuses: number[]
): Promise<void> {
  await deadline.retry(
    `${what} to be unused`,
    (error) => isStatus(error, ...statuses),
    () => cloud.call("DELETE", path),
  );
}

/** A droplet does one thing at a time and refuses the next one meanwhile. */
const busy = /pending event|is being processed|currently has a pending/i;

/** Resolves when the action, a change that takes the cloud a while, is complete. */
export async function act({ cloud, deadline }: DoContext, path: string, body: Json): Promise<void> {
  const what = `${String(body["type"])} at ${path}`;
  const action = await deadline.retry(
    `the cloud to accept ${what}`,
    (error) => isStatus(error, 409, 422) && busy.test(error.text),
    async () => objectAt(await cloud.call("POST", path, body), "action"),
  );
  await deadline.until(`${what} to be complete`, async (seen) => {
    const { status } = await cloud.find(`/v2/actions/${String(action["id"])}`, "action");
    if (status === "errored") throw new Error(`${what} failed in the cloud (action ${String(action["id"])})`);
    seen(String(status));
    return status === "completed" ? true : undefined;
  });
}

/** Makes the tags of a droplet or a volume what they should be. */
export async function setTags(
  { cloud }: DoContext,
  resource: { readonly type: string; readonly id: string },
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const body = { resources: [{ resource_id: resource.id, resource_type: resource.type }] };
  const path = (tag: string): string => `/v2/tags/${encodeURIComponent(tag)}/resources`;
  for (const tag of after.filter((name) => !before.includes(name))) {
    await cloud.call("POST", "/v2/tags", { name: tag });
    await cloud.call("POST", path(tag), body);
  }
  for (const tag of before.filter((name) => !after.includes(name)))
    await cloud.call("DELETE", path(tag), body).catch((error: unknown) => {
      if (!isStatus(error, 404)) throw error;
    });
}
