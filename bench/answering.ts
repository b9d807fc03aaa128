/**
 * Workers that a refresh asks: a real SSH server for all of them, an API that has their Nodes, and for some of them a server that accepts a
 * connection and never says anything.
 */
import { createServer as createApi } from "node:https";
import { createServer, type AddressInfo, type Server } from "node:net";
import { resourceTypes } from "../components/contract/resources.js";
import { kinds } from "../provider/resources/index.js";
import { FakeMachine } from "../test/provider/support/sshd.js";
import { selfSigned } from "../test/support/selfSigned.js";
import type { Read } from "../test/support/stubProviders.js";

const systemId = "0123456789abcdef0123456789abcdef";

export class AnsweringWorkers {
  /** Names of workers that do not answer. */
  readonly silent = new Set<string>();
  /** Highest number of workers that were asked at the same time. */
  together = 0;
  #asked = 0;
  #digest = "";
  readonly #machine = new FakeMachine();
  readonly #certificate = selfSigned("nodes");
  readonly #nodes = createApi(
    { key: this.#certificate.key, cert: this.#certificate.certificate },
    (request, response) => {
      const name = request.url?.split("/").pop() ?? "";
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          apiVersion: "v1",
          kind: "Node",
          metadata: { name },
          status: { nodeInfo: { machineID: systemId } },
        }),
      );
    },
  );
  readonly #nobody = createServer(() => undefined);

  async start(): Promise<void> {
    await this.#machine.start();
    for (const server of [this.#nodes, this.#nobody])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    await this.#machine.remove();
    this.#nodes.closeAllConnections();
    this.#nodes.close();
    this.#nobody.close();
  }

  /** Asks as the provider does, and keeps what the state has. */
  readonly read: Read = async (type, operation, state) => {
    if (type !== resourceTypes.join) return state.outputs;
    const digest = String(state.outputs["configuration"]);
    // All workers have the same; a file that is written again would be empty for a moment.
    if (this.#digest !== digest) this.#machine.write("verified", `${(this.#digest = digest)}\n`);
    this.#asked += 1;
    this.together = Math.max(this.together, this.#asked);
    try {
      const found = await kinds.get(type)!.read(
        { ...operation, settings: this.#settings(), log: this.#log(operation.name) },
        {
          ...state,
          inputs: {
            ...state.inputs,
            host: "127.0.0.1",
            port: this.silent.has(operation.name) ? portOf(this.#nobody) : this.#machine.port,
          },
          outputs: { ...state.outputs, hostKey: this.#machine.hostKey, systemId },
        },
      );
      if (found?.["nodeName"] === undefined || found["configuration"] !== digest)
        throw new Error(`${operation.name}: a refresh found ${JSON.stringify(found)}`);
      return state.outputs;
    } finally {
      this.#asked -= 1;
    }
  };

  /** Whoever is not refreshed says so in a warning. */
  #log(name: string) {
    const warn = (text: string): void => {
      if (!this.silent.has(name)) throw new Error(text);
    };
    return { status: () => undefined, info: () => undefined, warn };
  }

  #settings() {
    const cluster = {
      server: `https://127.0.0.1:${portOf(this.#nodes)}`,
      "certificate-authority-data": Buffer.from(this.#certificate.certificate).toString("base64"),
    };
    const kubeconfig = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { token: "t" } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    return { sshUser: "root", sshPrivateKey: this.#machine.privateKey, kubeconfig };
  }
}

const portOf = (server: Pick<Server, "address">): number => (server.address() as AddressInfo).port;
