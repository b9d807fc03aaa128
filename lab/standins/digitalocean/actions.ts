/** Actions: changes that take the cloud a while. */
import { type Client, isStatus, type Json, objectAt } from "./client.js";
import type { Deadline } from "../framework/waiting.js";

/** A droplet does one thing at a time and refuses the next one meanwhile. */
const busy = /pending event|is being processed|currently has a pending/i;

/** Resolves when the action is complete. */
export async function act(client: Client, deadline: Deadline, path: string, body: Json): Promise<void> {
  const what = `${String(body["type"])} at ${path}`;
  const { signal } = deadline.operation;
  const action = await deadline.until(`the cloud to accept ${what}`, async (seen) => {
    try {
      return objectAt(await client.call("POST", path, signal, body), "action");
    } catch (error) {
      if (!isStatus(error, 409, 422) || !busy.test(error.text)) throw error;
      seen(error.text);
      return undefined;
    }
  });
  await deadline.until(`${what} to be complete`, async (seen) => {
    const now = await client.find(`/v2/actions/${String(action["id"])}`, "action", signal);
    const status = String(now?.["status"] ?? "gone");
    if (status === "errored") throw new Error(`${what} failed in the cloud (action ${String(action["id"])})`);
    seen(status);
    return status === "completed" ? true : undefined;
  });
}

/** Makes the tags of a droplet or a volume what they should be. */
export async function setTags(
  client: Client,
  deadline: Deadline,
  resource: { type: string; id: string },
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const { signal } = deadline.operation;
  const body = { resources: [{ resource_id: resource.id, resource_type: resource.type }] };
  for (const tag of after.filter((name) => !before.includes(name))) {
    await client.call("POST", "/v2/tags", signal, { name: tag });
    await client.call("POST", `/v2/tags/${encodeURIComponent(tag)}/resources`, signal, body);
  }
  for (const tag of before.filter((name) => !after.includes(name))) {
    try {
      await client.call("DELETE", `/v2/tags/${encodeURIComponent(tag)}/resources`, signal, body);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}
