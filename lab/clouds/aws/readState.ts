/** The paths of the region's own beside AWS's, as its commands use them. */
import type { LabConfig } from "../../config.js";
import type { AwsState } from "./state.js";

/** What the region's AWS holds. @throws Error when it does not answer. */
export const readState = async (config: LabConfig): Promise<AwsState> =>
  (await (await own(config, "GET", "/corekube/state", 20_000)).json()) as AwsState;

/** Waits until the machines are as the API wants them. */
export const synchronised = async (config: LabConfig): Promise<void> =>
  void (await own(config, "POST", "/corekube/sync", 120_000));

/** Gives all load balancers other addresses; the former ones are closed. Resolves when the region is so. */
export const moveBalancers = async (config: LabConfig): Promise<void> =>
  void (await own(config, "POST", "/corekube/move", 120_000));

async function own(config: LabConfig, method: string, path: string, timeout: number): Promise<Response> {
  const response = await fetch(`${config.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${config.token}` },
    signal: AbortSignal.timeout(timeout),
  });
  if (response.ok) return response;
  throw new Error(`the region's AWS: ${response.status} ${(await response.text()).replaceAll(/<[^>]*>/g, " ").trim()}`);
}
