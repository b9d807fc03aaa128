/** `corekube:cluster:Readiness`: the API answers at its endpoint, as administrators and the kubernetes provider reach it. */
import https from "node:https";
import { z } from "zod";
import { readinessShape } from "../../components/contract/resources.js";
import { Progress } from "../operation/progress.js";
import { UNKNOWN, type Properties } from "../rpc/properties.js";
import { Deadline, pause } from "../operation/timing.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import { Incomplete, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";

const schema = z.object(readinessShape);
type Inputs = z.infer<typeof schema>;

const REQUEST_MILLISECONDS = 5_000;
const RETRY_MILLISECONDS = 1_000;

export class Readiness implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(inputs: Properties) {
    return checkInputs(readinessShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(state: State | undefined): Properties {
    return state?.outputs ?? { answer: UNKNOWN };
  }

  async create(operation: Operation, given: Properties) {
    const inputs = schema.parse(given);
    return { id: inputs.endpoint, outputs: await this.#wait(operation, inputs) };
  }

  update(operation: Operation, _state: State, given: Properties): Promise<Properties> {
    return this.#wait(operation, schema.parse(given));
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  async #wait({ log, signal }: Operation, inputs: Inputs): Promise<Properties> {
    const deadline = new Deadline(inputs.timeout);
    const progress = new Progress(log, inputs.endpoint, deadline);
    let last = "none yet";
    try {
      while (!deadline.passed) {
        progress.phase(`waiting for /readyz; last answer: ${last}`);
        last = await answer(inputs, signal);
        if (last === "ok") return { answer: last };
        await pause(RETRY_MILLISECONDS, signal, deadline);
      }
    } finally {
      progress.stop();
    }
    throw new Incomplete(
      `${inputs.endpoint}/readyz did not answer "ok" within ${inputs.timeout} s; last answer: ${last}. The controllers themselves are ready: ` +
        "check that your own address is in corekube:admin_cidrs and, behind a load balancer, that its health checks pass; then run `pulumi up` again.",
      inputs.endpoint,
      {},
    );
  }
}

/** The API's answer, or why there is none. */
function answer({ endpoint, caCertificate }: Inputs, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    // No agent: each try is a new connection, so that a load balancer reaches each of its controllers.
    const request = https.get(
      `${endpoint}/readyz`,
      { ca: caCertificate, agent: false, signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MILLISECONDS)]) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", (error) => resolve(error.message));
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString("utf8").trim();
          resolve(response.statusCode === 200 ? body : `HTTP ${response.statusCode}: ${body.slice(0, 200)}`);
        });
      },
    );
    request.on("error", (error) => (signal.aborted ? reject(signal.reason as Error) : resolve(error.message)));
  });
}
