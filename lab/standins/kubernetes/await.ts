/** Waits for objects: until they serve, and until they are gone. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../framework/kind.js";
import { ApiError, type Client, type JsonObject } from "./client.js";
import { Hopeless, unreadyPods, waitsFor } from "./readiness.js";

const lookEveryMilliseconds = 500;
const statusEveryMilliseconds = 5_000;

/** @param what Such as `Deployment kube-system/coredns`. */
export interface Awaited {
  readonly what: string;
  readonly path: string;
  readonly seconds: number;
}

/**
 * The object when it serves, as its kind means it.
 * @throws {Hopeless} when the time is over, with the pods that are not ready.
 */
export async function untilServing(
  operation: Operation,
  client: Client,
  object: JsonObject,
  { what, path, seconds }: Awaited,
): Promise<JsonObject> {
  const manner = { signal: operation.signal, patient: true };
  let live = object;
  const pause = pauses(operation, what, seconds);
  for (;;) {
    const waiting = await waitsFor(live, client, manner);
    if (waiting === undefined) return live;
    if (!(await pause(waiting))) {
      const pods = await unreadyPods(live, client, manner).catch(() => []);
      throw new Hopeless(
        `${what} does not serve after ${seconds} s: it waits for ${waiting}${pods.map((pod) => `\n  ${pod}`).join("")}`,
      );
    }
    live = await client.ask({ method: "GET", path }, manner).catch((error: unknown) => {
      throw operation.signal.aborted ? interrupted(what, waiting, error) : error;
    });
  }
}

/** @throws Error when the time is over. */
export async function untilGone(
  operation: Operation,
  client: Client,
  uid: string,
  { what, path, seconds }: Awaited,
): Promise<void> {
  const pause = pauses(operation, what, seconds);
  for (;;) {
    let live: JsonObject;
    try {
      live = await client.ask({ method: "GET", path }, { signal: operation.signal, patient: true });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      throw error;
    }
    const metadata = live["metadata"] as { readonly uid?: string; readonly finalizers?: readonly string[] };
    // Another one of the same name is not ours.
    if (metadata.uid !== uid) return;
    const holders = metadata.finalizers?.join(", ") ?? "";
    if (!(await pause(holders === "" ? "it to be gone" : `its finalizers: ${holders}`))) {
      throw new Error(
        `${what} is still there ${seconds} s after its deletion${holders === "" ? "" : `; its finalizers are ${holders}: see whether what they belong to runs`}`,
      );
    }
  }
}

/** Sleeps a little and tells what for; false when the time is over. */
function pauses(operation: Operation, what: string, seconds: number): (waiting: string) => Promise<boolean> {
  const start = Date.now();
  let told = start;
  return async (waiting) => {
    const elapsed = Date.now() - start;
    if (elapsed >= seconds * 1000) return false;
    if (Date.now() - told >= statusEveryMilliseconds) {
      told = Date.now();
      operation.log.status(`waits for ${waiting}, ${Math.round(elapsed / 1000)} s of ${seconds} s`);
    }
    try {
      await sleep(lookEveryMilliseconds, undefined, { signal: operation.signal });
    } catch (error) {
      throw interrupted(what, waiting, error);
    }
    return true;
  };
}

function interrupted(what: string, waiting: string, cause: unknown): Error {
  return new Error(`${what}: interrupted while waiting for ${waiting}; the next "pulumi up" goes on from here`, {
    cause,
  });
}
