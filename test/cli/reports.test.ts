/** What `status`, `certificates` and `versions` make of a state, and of what the API answers. */
import assert from "node:assert/strict";
import { certificatesOf } from "../../cli/certificates.js";
import { readState } from "../../cli/state.js";
import { type ApiFacts, statusOf, type StatusFacts } from "../../cli/status.js";
import { checkoutImage, checkoutReleases, recordedVersions, runningVersions } from "../../cli/versions.js";
import { catalogue, flatcar, newestVersion } from "../../components/spec/versions.js";
import { TestApi, START_TIMEOUT } from "../provider/support/api.js";
import { selfSigned } from "../support/selfSigned.js";
import { exported, ImportedStack, type Resource, secret } from "./support.js";

const newest = newestVersion;
const etcdVersion = catalogue[newest]!.etcd;
const known = { kubernetes: newest, nodes: newest, emulated: "", etcd: etcdVersion, changingTo: "" };

const leaf = "tls:index/locallySignedCert:LocallySignedCert";
const authority = "tls:index/selfSignedCert:SelfSignedCert";
const day = 24 * 3600 * 1000;
const inDays = (days: number): Date => new Date(Date.now() + days * day);

const year = selfSigned("/O=system:masters/CN=corekube-admin", 365).certificate;
const etcd = selfSigned("k-etcd-0", 300).certificate;
const long = selfSigned("kube-ca", 10_000).certificate;

const certificates: readonly Resource[] = [
  {
    type: leaf,
    name: "k-admin",
    within: ["corekube:pki:Pki", "corekube:pki:Certificate"],
    outputs: { certPem: year, earlyRenewalHours: 121 * 24, privateKeyPem: secret("THE KEY") },
  },
  {
    type: leaf,
    name: "k-etcd-0-peer",
    within: ["corekube:etcd:Cluster", "corekube:pki:Certificate"],
    outputs: { certPem: etcd, earlyRenewalHours: 121 * 24 },
  },
  { type: authority, name: "k-kubernetes-ca", within: ["corekube:pki:Pki"], outputs: { certPem: long } },
];

const delivery = (name: string, more: object = {}): Resource => ({
  type: "corekube:machine:Delivery",
  name,
  outputs: { digest: "1", configuration: "one" },
  ...more,
});
const droplet = (name: string): Resource => ({ type: "digitalocean:index/droplet:Droplet", name });
const join = (name: string): Resource => ({
  type: "corekube:machine:Join",
  name,
  outputs: { nodeName: name, configuration: "one" },
});
/** What the state says of versions. */
function releases(started: object, finished: object = started): readonly Resource[] {
  const all = { kubernetesVersion: newest, nodeVersion: newest };
  return [
    { type: "corekube:cluster:Releases", name: "started", outputs: { ...all, ...started } },
    { type: "corekube:cluster:Releases", name: "finished", outputs: { ...all, ...finished } },
  ];
}
const olderImage = "Flatcar-stable-4459.2.1-hvm";
const cluster: readonly Resource[] = [
  ...releases({ image: olderImage }, {}),
  { type: "corekube:cluster:ImmutableSettings", name: "cluster", inputs: { cloud: "aws" } },
  ...["k-etcd-0", "k-etcd-1", "k-controller-0"].flatMap((name) => [droplet(name), delivery(name)]),
  droplet("k-worker-0"),
  join("k-worker-0"),
];
const healthyApi: ApiFacts = {
  nodes: ["k-controller-0", "k-worker-0"].map((name) => ({ name, ready: true, version: newest })),
  members: [true, true],
};

describe("certificates of a state", () => {
  const rows = certificatesOf(readState(exported(certificates)), new Date());

  it("are listed with subject, role and issuer, the next to end first, without a key", () => {
    assert.deepEqual(
      rows.map(({ name, subject, role, issuer, daysLeft, due }) => [name, subject, role, issuer, daysLeft, due]),
      [
        ["k-etcd-0-peer", "CN=k-etcd-0", "etcd", "k-etcd-0", 299, false],
        ["k-admin", "CN=corekube-admin, O=system:masters", "cluster", "corekube-admin", 364, false],
        ["k-kubernetes-ca", "CN=kube-ca", "authority", "kube-ca", 9999, false],
      ],
    );
    assert.doesNotMatch(JSON.stringify(rows), /KEY/);
  });

  const due = (days: number): string[] =>
    certificatesOf(readState(exported(certificates)), inDays(days))
      .filter((row) => row.due)
      .map(({ name }) => name);
  for (const [days, names] of [
    [178, []],
    [180, ["k-etcd-0-peer"]],
    [245, ["k-etcd-0-peer", "k-admin"]],
    [400, ["k-etcd-0-peer", "k-admin"]],
    [9_821, ["k-etcd-0-peer", "k-admin", "k-kubernetes-ca"]],
  ] as const)
    it(`are due in the last third of their time: in ${days} days ${names.length}`, () =>
      assert.deepEqual(due(days), names));

  it("that cannot be read are due, and come first", () => {
    const [first] = certificatesOf(
      readState(exported([...certificates, { type: leaf, name: "k-odd", outputs: { certPem: "?" } }])),
      new Date(),
    );
    assert.deepEqual(
      [first?.name, first?.due, first?.validUntil, first?.daysLeft],
      ["k-odd", true, undefined, undefined],
    );
  });
});

describe("the status of a cluster", () => {
  const of = (resources: readonly Resource[], facts: Partial<StatusFacts> = {}, pending: readonly object[] = []) =>
    statusOf({
      state: readState(exported([...resources, ...certificates], {}, pending)),
      activity: { active: false, text: "" },
      machines: [{ name: "k-worker-0", public_ipv4: "203.0.113.9", private_ipv4: "10.4.0.9" }],
      api: healthyApi,
      now: new Date(),
      flags: " --stack prod",
      ...facts,
    });
  const without = (name: string, type?: string): readonly Resource[] =>
    cluster.filter((resource) => resource.name !== name || (type !== undefined && resource.type !== type));

  it("is healthy when every machine serves, every Node is ready and every member answers", () => {
    const { healthy, problems, machines, versions: found, certificateDays } = of(cluster);
    assert.deepEqual([healthy, problems], [true, []]);
    assert.deepEqual(found, known);
    assert.equal(certificateDays, 299);
    assert.deepEqual(machines[0], {
      name: "k-etcd-0",
      role: "etcd",
      state: "serves",
      condition: "healthy",
      version: etcdVersion,
      publicIpv4: "",
      privateIpv4: "",
      outdated: false,
    });
    assert.deepEqual(machines.at(-1), {
      name: "k-worker-0",
      role: "worker",
      state: "serves",
      condition: "Ready",
      version: newest,
      publicIpv4: "203.0.113.9",
      privateIpv4: "10.4.0.9",
      outdated: false,
    });
  });

  const node = (changes: object): ApiFacts => ({
    ...healthyApi,
    nodes: [healthyApi.nodes[0]!, { ...healthyApi.nodes[1]!, ...changes }],
  });
  const deleting = [
    { type: "deleting", resource: { urn: "urn:pulumi:prod::corekube::d:D::k-worker-0", type: "d:D", custom: true } },
  ];
  const table: readonly (readonly [string, ReturnType<typeof of>, readonly RegExp[]])[] = [
    [
      "a Node is not ready",
      of(cluster, { api: node({ ready: false }) }),
      [/^k-worker-0: its Node is not ready\. Run: kubectl describe node k-worker-0$/],
    ],
    [
      "a machine has no Node",
      of(cluster, { api: node({ name: "other" }) }),
      [/^k-worker-0: it has no Node\. Run: pulumi refresh/],
    ],
    [
      "a member does not answer",
      of(cluster, { api: { ...healthyApi, members: [true, false] } }),
      [/^k-etcd-1: the API servers do not reach/],
    ],
    [
      "the API does not answer",
      of(cluster, { api: "connect ECONNREFUSED" }),
      [/^the API gave no answer: connect ECONNREFUSED$/],
    ],
    [
      "a machine did not come to serve",
      of([
        ...without("k-etcd-1"),
        droplet("k-etcd-1"),
        delivery("k-etcd-1", { outputs: {}, initErrors: ["etcd.service failed"] }),
      ]),
      [/^k-etcd-1: etcd.service failed\. Run: pulumi up --stack prod$/],
    ],
    [
      "a machine runs another configuration",
      of([...cluster, { type: "corekube:machine:Configuration", name: "k-worker", inputs: { digest: "two" } }]),
      [/^another configuration than the settings say: k-worker-0\. Run: pulumi preview --diff --stack prod$/],
    ],
    [
      "a run was killed",
      of(cluster, {}, deleting),
      [/^k-worker-0: a run was killed while deleting it\. Run: pulumi refresh/],
    ],
    ["a run is under way", of(cluster, { activity: { active: true, text: "" } }, deleting), []],
    [
      "a certificate is due",
      of(cluster, { now: inDays(190) }),
      [/^certificate k-etcd-0-peer: 109 days left\. Run: pulumi up --stack prod$/],
    ],
    ["there is nothing", of([], { machines: [] }), [/^the stack has no machines\. Run: pulumi up/]],
  ];
  for (const [what, { problems, healthy }, expected] of table)
    it(`says so when ${what}`, () => {
      assert.equal(problems.length, expected.length, problems.join("\n"));
      expected.forEach((pattern, index) => assert.match(problems[index]!, pattern));
      assert.equal(healthy, expected.length === 0);
    });

  it("knows machines of which the state has only half, or only the outputs", () => {
    const half = of(without("k-etcd-1", droplet("").type), { machines: [{ name: "k-controller-1" }] });
    assert.deepEqual(
      half.machines.map(({ name, state }) => `${name} ${state}`),
      ["k-etcd-0 serves", "k-etcd-1 missing", "k-controller-0 serves", "k-controller-1 missing", "k-worker-0 serves"],
    );
    assert.match(half.problems.join("\n"), /^k-etcd-1: its machine is gone\. Run: pulumi up --stack prod$/m);
  });
});

describe("versions", () => {
  it("of the checkout are those of the catalogue, the newest first", () => {
    assert.deepEqual(checkoutReleases()[0], { kubernetes: newest, etcd: etcdVersion });
    assert.equal(checkoutReleases().length, Object.keys(catalogue).length);
    assert.equal(checkoutImage(readState(exported(cluster))), flatcar.aws);
    assert.equal(checkoutImage(readState(exported([]))), "");
  });

  const before = { kubernetesVersion: "1.35.4", nodeVersion: "1.35.4" };
  const emulating = { kubernetesVersion: newest, nodeVersion: "1.35.4", emulatedVersion: "1.35" };
  const old = { kubernetes: "1.35.4", nodes: "1.35.4", emulated: "", etcd: "3.6.14", changingTo: "" };
  for (const [what, state, expected] of [
    ["nothing is recorded", [], { kubernetes: "", nodes: "", emulated: "", etcd: "", changingTo: "" }],
    ["a change has begun", releases({}, before), { ...old, changingTo: newest }],
    ["the control plane emulates", releases(emulating), { ...old, kubernetes: newest, emulated: "1.35" }],
    ["a cluster is being made", releases({}).slice(0, 1), { ...known, changingTo: newest }],
  ] as const)
    it(`of the cluster: ${what}`, () => assert.deepEqual(recordedVersions(readState(exported(state))), expected));

  it("that have not come to all machines are a problem, unless a run is at it", () => {
    const of = (active: boolean): readonly string[] =>
      statusOf({
        state: readState(exported([...cluster.slice(2), ...releases({}, before)])),
        activity: { active, text: "" },
        machines: [],
        api: healthyApi,
        now: new Date(),
        flags: "",
      }).problems;
    assert.deepEqual(of(false), [`Kubernetes ${newest} has not come to all machines. Run: pulumi up`]);
    assert.deepEqual(of(true), []);
  });

  it("of the cluster are those that its state has, with the add-ons' images", () => {
    const pod = { containers: [{ image: "r.example/proxy:v1@sha256:00" }, { image: "r.example/proxy:v1@sha256:00" }] };
    const workload = (name: string, inputs: object): Resource => ({
      type: "kubernetes:apps/v1:DaemonSet",
      name,
      within: ["corekube:addons:NodeAddons"],
      inputs,
    });
    const state = readState(
      exported([
        ...cluster,
        workload("k-kube-proxy", { metadata: { name: "kube-proxy" }, spec: { template: { spec: pod } } }),
        workload("k-odd", {}),
      ]),
    );
    assert.deepEqual(runningVersions(state), {
      ...known,
      image: olderImage,
      addons: { "k-odd": [], "kube-proxy": ["r.example/proxy:v1"] },
    });
  });
});

describe("corekube status, certificates and versions", function () {
  this.timeout(120_000);
  const stack = new ImportedStack();
  let api: TestApi;

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
    for (const name of ["k-controller-0", "k-worker-0"]) await api.node(name, { ready: name !== "k-worker-0" });
    await stack.create();
    const resources = [...cluster.filter(({ name }) => name !== "k-etcd-1"), ...certificates];
    await stack.import(exported(resources, { kubeconfig: secret(api.kubeconfig), machines: [] }));
  });
  after(() => {
    api.stop();
    stack.engine.remove();
  });

  it("asks the API: a Node that is not ready makes it exit with 1, and no secret is printed", async () => {
    const { code, stdout, stderr } = await stack.corekube(["status"]);
    assert.equal(code, 1, stderr);
    assert.match(stdout, /k-etcd-0 +etcd +serves +healthy +\d/);
    assert.match(stdout, /k-controller-0 +controller +serves +Ready/);
    assert.match(stdout, /k-worker-0 +worker +serves +NotReady/);
    assert.match(stdout, /- k-worker-0: its Node is not ready/);
    assert.doesNotMatch(stdout + stderr, /THE KEY|token/);
  });

  it("exits with 0 when everything is well, and its JSON says the same", async () => {
    await api.deleteNodes();
    for (const name of ["k-controller-0", "k-worker-0"]) await api.node(name);
    const { code, stdout } = await stack.corekube(["status", "--json"]);
    const { healthy, problems } = JSON.parse(stdout) as { healthy: boolean; problems: string[] };
    assert.deepEqual([code, healthy, problems], [0, true, []]);
  });

  it("lists the certificates", async () => {
    const { code, stdout, stderr } = await stack.corekube(["certificates"]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^NAME +SUBJECT +ROLE +ISSUED BY +VALID UNTIL +DAYS LEFT +RENEWAL DUE\nk-etcd-0-peer /);
    assert.doesNotMatch(stdout, /PRIVATE|THE KEY/);
  });

  it("lists the versions", async () => {
    const { code, stdout } = await stack.corekube(["versions"]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^${newest} +${etcdVersion} +runs it$`, "m"));
    assert.match(
      stdout,
      /^The machines keep the image Flatcar-stable-4459\.2\.1-hvm\. .*: pulumi config set image (Flatcar-stable-\S+) .*&& pulumi up/m,
    );
    const json = JSON.parse((await stack.corekube(["versions", "--json"])).stdout) as {
      cluster: { image: string };
      checkoutImage: string;
    };
    assert.deepEqual([json.cluster.image, json.checkoutImage], [olderImage, flatcar.aws]);
  });
});
