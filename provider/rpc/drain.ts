/** The end of a plugin's process: nothing runs any more, and every answer is out. */
import type * as grpc from "@grpc/grpc-js";

/**
 * Time for the last answers to leave. The engine gives all its plugins together five seconds to end (`ReleaseContext` in
 * pkg/host of its source), and calls those that it could not ask any more crashed: none may wait for connections to close.
 */
const ANSWER_MILLISECONDS = 300;

/** Resolves when all of `running` has ended, and the server's answers have left or had their time. */
export async function drain(server: grpc.Server, running: ReadonlySet<Promise<unknown>>): Promise<void> {
  await Promise.allSettled(running);
  await Promise.race([
    new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
    new Promise<void>((resolve) => setTimeout(resolve, ANSWER_MILLISECONDS)),
  ]);
}
