/** Ingresses on public workers, as users write them and as clients outside reach them. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { answers } from "../../../lab/cluster/network.js";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { run } from "../../../lab/process/run.js";
import { until } from "../../../lab/process/until.js";
import { crash, powerOn } from "../faults/faults.js";
import { config, progress } from "../region.js";
import { nameOf, Scaling } from "../support/scale.js";
import { example, withCluster } from "./support.js";

const host = "hello.example.com";
const elsewhere = "elsewhere.example.com";
const setting = "addons.ingress";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Name in the certificate. */
  readonly certificate?: string;
}

interface Question {
  /** Address of the machine that is asked. */
  readonly at: string;
  readonly url: string;
  /** Trusted, PEM. @default any certificate will do */
  readonly ca?: string;
  readonly from?: string;
  /** Milliseconds. */
  readonly limit?: number;
}

/** As a client whose resolver leads the name to the address: `curl --resolve`. */
function ask({ at, url, ca, from = config.strangerAddress, limit = 5000 }: Question): Promise<Answer> {
  const { protocol, hostname, pathname } = new URL(url);
  const send = protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = send(
      {
        host: at,
        path: pathname,
        headers: { host: hostname },
        localAddress: from,
        agent: false,
        timeout: limit,
        servername: hostname,
        ca,
        rejectUnauthorized: ca !== undefined,
      },
      (response) => {
        const subject = (response.socket as Partial<TLSSocket>).getPeerCertificate?.().subject.CN;
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            certificate: Array.isArray(subject) ? subject.join() : subject,
          }),
        );
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${limit} ms`)));
    sent.on("error", reject);
    sent.end();
  });
}

/** A certificate for the name that signs itself, by the command of the example. */
async function certificateFor(name: string): Promise<{ readonly certificate: string; readonly secret: object }> {
  const folder = mkdtempSync(join(tmpdir(), "corekube-ingress-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await run([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "30", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
    ...["-keyout", key, "-out", certificate],
  ]);
  const text = (file: string): string => readFileSync(file, "utf8");
  const data = { "tls.key": text(key), "tls.crt": text(certificate) };
  rmSync(folder, { recursive: true });
  return { certificate: data["tls.crt"], secret: { type: "kubernetes.io/tls", stringData: data } };
}

/** A client that asks one address until it does not answer, and then the other, as browsers do with a name that has both. */
class Client {
  #ends = false;
  #loop: Promise<void> = Promise.resolve();
  #asked = 0;
  #failed = 0;
  #longest = 0;

  constructor(private readonly questions: readonly Question[]) {}

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<{ readonly asked: number; readonly failed: number; readonly longest: number }> {
    this.#ends = true;
    await this.#loop;
    return { asked: this.#asked, failed: this.#failed, longest: this.#longest };
  }

  async #run(): Promise<void> {
    let preferred = 0;
    let served = Date.now();
    while (!this.#ends) {
      this.#asked += 1;
      try {
        const { status } = await ask({ ...this.questions[preferred]!, limit: 1000 });
        assert.equal(status, 200);
        this.#longest = Math.max(this.#longest, Date.now() - served);
        served = Date.now();
      } catch {
        this.#failed += 1;
        preferred = (preferred + 1) % this.questions.length;
      }
      await sleep(50);
    }
    this.#longest = Math.max(this.#longest, Date.now() - served);
  }
}

describe("Ingresses", function () {
  this.timeout(900_000);
  const cluster = withCluster({
    settings: { node_count: 1, public_node_count: 2, addons: { ingress: { enabled: true } } },
  });
  const scaling = new Scaling(config, "dev", progress);
  let context: CheckContext;
  let own: Awaited<ReturnType<typeof certificateFor>>;
  let addresses: readonly string[];

  const questions = (): readonly Question[] =>
    addresses.map((at) => ({ at, url: `https://${host}/`, ca: own.certificate }));
  const everyoneServes = (limit = 60_000): Promise<void> =>
    until("answers of all public workers", { timeout: limit, pause: 500 }, async () => {
      for (const question of questions()) assert.equal((await ask(question)).status, 200);
    });
  const secret = (name: string, namespace: string, of: object): object => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    ...of,
  });

  before(async () => {
    context = await cluster.context();
    addresses = context.machines("public").map(({ public_ipv4 }) => public_ipv4);
    own = await certificateFor(host);
    await context.apply(secret("hello-tls", "default", own.secret), ...example("ingress/hello.yaml"));
    await context.kubectl(["rollout", "status", "deployment/hello", "--timeout=180s"], { timeout: 200_000 });
    await everyoneServes();
  });

  it("serve a host name over TLS with the certificate of its Secret, and know the client's address", async () => {
    for (const question of questions())
      for (const from of [config.strangerAddress, config.adminAddress]) {
        const { status, body, certificate } = await ask({ ...question, from });
        assert.deepEqual([status, body, certificate], [200, `hello ${from}, by https\n`, host]);
      }
  });

  it("are redirected to from HTTP, whatever the host, but for challenges of authorities", async () => {
    for (const at of addresses) {
      for (const name of [host, elsewhere]) {
        const { status, headers } = await ask({ at, url: `http://${name}/a/path` });
        assert.deepEqual([status, headers.location], [301, `https://${name}/a/path`]);
      }
      const { status, body } = await ask({ at, url: `http://${host}/.well-known/acme-challenge/x` });
      assert.deepEqual([status, body], [200, `hello ${config.strangerAddress}, by http\n`]);
    }
  });

  it("answer hosts that no Ingress names with 404, and a certificate that nobody trusts", async () => {
    for (const at of addresses) {
      const { status, certificate } = await ask({ at, url: `https://${elsewhere}/` });
      assert.deepEqual([status, certificate], [404, "TRAEFIK DEFAULT CERT"]);
    }
  });

  it("are served by pods that run as nobody in particular, with the memory and time printed", async () => {
    const pods = await context.kubectlJson<{
      items: {
        metadata: { name: string; creationTimestamp: string };
        spec: { nodeName: string };
        status: { conditions: { type: string; lastTransitionTime: string }[] };
      }[];
    }>(["get", "pods", "-n", "ingress"]);
    const nodes = context.machines("public").map(({ name }) => name);
    assert.deepEqual(pods.items.map(({ spec }) => spec.nodeName).sort(), [...nodes].sort());
    for (const machine of context.machines("public")) {
      const [user, memory] = (
        await context.inMachine(
          machine,
          "pid=$(pgrep -x traefik) && stat -c %u /proc/$pid && sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status",
        )
      ).split("\n");
      assert.equal(user, "65532");
      const pod = pods.items.find(({ spec }) => spec.nodeName === machine.name)!;
      const ready = pod.status.conditions.find(({ type }) => type === "Ready")!.lastTransitionTime;
      const seconds = (Date.parse(ready) - Date.parse(pod.metadata.creationTimestamp)) / 1000;
      progress.report(`${pod.metadata.name}: ${Math.round(Number(memory) / 1024)} MB, ready after ${seconds} s`);
    }
  });

  it("get a default certificate, and its successor, without a restart", async () => {
    await cluster.changes.set({ [`${setting}.default_certificate`]: "default-tls" });
    await cluster.changes.up();
    const served = (name: string): Promise<void> =>
      until(`the certificate of ${name}`, { timeout: 180_000, pause: 1000 }, async () => {
        for (const at of addresses) assert.equal((await ask({ at, url: `https://${elsewhere}/` })).certificate, name);
      });
    const restarts = (): Promise<string> =>
      context.kubectlValue(
        "{.items[*].metadata.uid} {.items[*].status.containerStatuses[0].restartCount}",
        "pods",
        "-n",
        "ingress",
      );
    // Hosts with a certificate of their own do not miss it.
    await everyoneServes();
    const before = await restarts();
    for (const name of ["first.example.com", "second.example.com"]) {
      await context.apply(secret("default-tls", "ingress", (await certificateFor(name)).secret));
      const began = Date.now();
      await served(name);
      progress.report(`default certificate ${name}: served after ${Math.round((Date.now() - began) / 1000)} s`);
    }
    assert.equal(await restarts(), before);
  });

  it("lose no client that has both addresses while the add-on changes", async () => {
    const client = new Client(questions());
    client.start();
    await cluster.changes.set({ [`${setting}.redirect`]: "false" });
    await cluster.changes.up();
    const { asked, failed, longest } = await client.stop();
    progress.report(`change of the add-on: ${asked} requests, ${failed} failed, longest pause ${longest} ms`);
    assert.ok(longest < 10_000, `${longest} ms`);
    const { status, body } = await ask({ at: addresses[0]!, url: `http://${host}/` });
    assert.deepEqual([status, body], [200, `hello ${config.strangerAddress}, by http\n`]);
  });

  it("are reached at the other public worker when one is lost", async () => {
    const [machine] = context.machines("public");
    const client = new Client(questions());
    client.start();
    await sleep(2000);
    await crash(context, machine!);
    await sleep(20_000);
    const { asked, failed, longest } = await client.stop();
    progress.report(`${machine!.name} lost: ${asked} requests, ${failed} failed, longest pause ${longest} ms`);
    assert.ok(longest < 10_000, `${longest} ms`);
    await powerOn(context, machine!);
    const began = Date.now();
    await everyoneServes(240_000);
    progress.report(`${machine!.name} serves ${Math.round((Date.now() - began) / 1000)} s after it was powered on`);
  });

  it("are not served when the add-on is turned off, which leaves nothing behind, and are again when it is on", async () => {
    const objects = ["namespace/ingress", "clusterrole/corekube:traefik", "clusterrolebinding/corekube:traefik"];
    const names = async (op: string): Promise<string[]> => {
      const changes = await scaling.changes();
      assert.deepEqual([...new Set(changes.map((change) => change.op))], [op]);
      return changes.map(({ urn }) => `${urn.split("::").at(-2)!.split(/[:$]/).at(-1)} ${nameOf(urn)}`).sort();
    };
    const all = [
      "ClusterRole kubernetes-traefik",
      "ClusterRoleBinding kubernetes-traefik",
      "ConfigMap kubernetes-traefik",
      "DaemonSet kubernetes-traefik",
      "IngressClass kubernetes-ingress-class-traefik",
      "Namespace kubernetes-namespace-ingress",
      "NodePods kubernetes-traefik",
      "ServiceAccount kubernetes-traefik",
    ];
    await cluster.changes.set({ [`${setting}.enabled`]: "false" });
    assert.deepEqual(await names("delete"), all);
    await cluster.changes.up();
    for (const object of [...objects, "ingressclass/traefik"])
      assert.match((await context.tryKubectl(["get", object])).stderr, /not found/, object);
    for (const at of addresses)
      for (const port of [80, 443]) assert.equal(await answers(at, port, config.strangerAddress, 1000), false);
    await cluster.changes.set({ [`${setting}.enabled`]: "true" });
    assert.deepEqual(await names("create"), all);
    await cluster.changes.up();
    await everyoneServes();
    await cluster.changes.settled();
  });
});
