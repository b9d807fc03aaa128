/** Requests for versions of the API that a release removes, as a real API server counts them, asked over real SSH. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { KubeConfig } from "@kubernetes/client-node";
import { auditDirectory } from "../../components/contract/paths.js";
import { auditPolicy } from "../../components/nodeconfig/security/audit.js";
import { countedRequests } from "../../provider/kubernetes/requestedApis.js";
import { removedApis } from "../../provider/resources/removedApis.js";
import { START_TIMEOUT, TestApi } from "./support/api.js";
import { operation } from "./support/operation.js";
import { selfSigned } from "../support/selfSigned.js";
import { FakeMachine } from "./support/sshd.js";

/** Kubernetes 1.36 serves both where it is asked to, and 1.37 neither. */
const log = auditDirectory.slice(1);
const BETA = "/apis/networking.k8s.io/v1beta1";

describe("removed versions of the API in use", function () {
  this.timeout(120_000);
  let api: TestApi;
  let controller: FakeMachine;

  before(async function () {
    this.timeout(START_TIMEOUT);
    controller = new FakeMachine();
    await controller.start();
    mkdirSync(controller.path(log), { recursive: true });
    controller.write("audit.yaml", auditPolicy());
    api = await TestApi.start([
      "--runtime-config=networking.k8s.io/v1beta1=true",
      `--audit-policy-file=${controller.path("audit.yaml")}`,
      `--audit-log-path=${controller.path(log)}/audit.log`,
    ]);
  });
  after(async () => {
    api.stop();
    await controller.remove();
  });

  const question = (given: object = {}) => ({
    controllers: [{ machine: "dev-controller-0", host: "127.0.0.1", hostKey: controller.hostKey }],
    minor: 37,
    user: "root",
    privateKey: controller.privateKey,
    kubeconfig: api.trusting,
    port: controller.port,
    apiPort: Number(new URL(api.server).port),
    ...given,
  });
  const ask = (given: object = {}) => removedApis(question(given), operation());
  /** A client that uses the version. */
  const client = async (path: string): Promise<void> => {
    const config = new KubeConfig();
    config.loadFromString(api.kubeconfig);
    const { headers } = await config.applyToFetchOptions({});
    const { default: https } = await import("node:https");
    await new Promise<void>((resolve, reject) => {
      const call = https.request(
        `${api.server}${path}`,
        {
          rejectUnauthorized: false,
          headers: {
            authorization: (headers as unknown as Headers).get("Authorization") ?? "",
            "user-agent": "old-operator/1.0",
          },
        },
        (response) => {
          response
            .resume()
            .once("end", () =>
              (response.statusCode ?? 0) < 300 ? resolve() : reject(new Error(`${path}: ${response.statusCode}`)),
            );
        },
      );
      call.once("error", reject).end();
    });
  };

  it("are none while nobody asks for them, and asking changes nothing of that", async () => {
    for (let times = 0; times < 2; times++) {
      const { requested, since, unanswered } = await ask();
      assert.deepEqual([requested, unanswered], [[], {}]);
      assert.ok(Date.parse(since ?? "") <= Date.now() && Date.parse(since ?? "") > Date.now() - 600_000, since);
    }
  });

  it("are those that are removed by then, and no deprecated ones that stay", async () => {
    // Deprecated since 1.19 and 1.33, without an end.
    await client("/api/v1/componentstatuses");
    await client("/api/v1/endpoints");
    await client(`${BETA}/ipaddresses`);
    const { requested } = await ask();
    assert.deepEqual(requested, [
      { api: "networking.k8s.io/v1beta1 ipaddresses", removedIn: "1.37", clients: ["admin with old-operator/1.0"] },
    ]);
    assert.deepEqual((await ask({ minor: 36 })).requested, []);
  });

  it("come with who has asked for them, though they only read", async () => {
    await client(`${BETA}/servicecidrs`);
    const { requested } = await ask();
    const of = (resource: string) => requested.find(({ api: name }) => name.endsWith(resource))?.clients;
    assert.deepEqual(of(" servicecidrs"), ["admin with old-operator/1.0"]);
    assert.deepEqual(of(" ipaddresses"), ["admin with old-operator/1.0"]);
  });

  it("are not known of a controller that does not answer; those of the others are", async () => {
    const [known] = question().controllers;
    const { requested, unanswered } = await ask({
      controllers: [known, { machine: "dev-controller-1", host: "127.0.0.2" }],
    });
    assert.equal(requested.length, 2);
    assert.deepEqual(Object.keys(unanswered), ["dev-controller-1"]);
    assert.match(unanswered["dev-controller-1"]!, /no SSH/);
  });

  it("are not asked of an API server that the cluster's authority does not know, nor is the token sent to it", async () => {
    const kubeconfig = api.kubeconfig.replace(
      '"insecure-skip-tls-verify":true',
      `"certificate-authority-data":"${Buffer.from(selfSigned("other").certificate).toString("base64")}"`,
    );
    const { requested, since, unanswered } = await ask({ kubeconfig });
    assert.deepEqual([requested, since], [[], undefined]);
    assert.match(unanswered["dev-controller-0"]!, /certificate/);
  });

  it("count when the counter says so only", async () => {
    const lines = (...text: string[]) => ({
      get: (_path: string, onLine: (line: string) => void) => {
        text.forEach(onLine);
        return Promise.resolve(200);
      },
    });
    const metric = (value: string): string =>
      `apiserver_requested_deprecated_apis{group="",removed_release="1.37",resource="things",subresource="",version="v2"} ${value}`;
    assert.deepEqual((await countedRequests(lines(metric("0"), `# ${metric("1")}`), 37)).requested, []);
    assert.equal((await countedRequests(lines(metric("1"), "process_start_time_seconds 1.7e+09"), 37)).start, 1.7e9);
    await assert.rejects(countedRequests({ get: () => Promise.resolve(403) }, 37), /403/);
  });
});
