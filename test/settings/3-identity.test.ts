/** Changes that cannot be done in place, on a stack that has a cluster: refused before anything else is looked at. */
import assert from "node:assert/strict";
import { CountingCloud } from "../support/countingCloud.js";
import { least, type Settings } from "./support/cases.js";
import { Program } from "./support/program.js";

const made: Settings = { ...least, cluster_name: "prod", etcd: { data_disk: 5120 }, encryption_key: 4 };

/** What is changed, and what the error says. */
const refused: readonly (readonly [Settings, readonly string[]])[] = [
  [
    { service_cidr: "10.96.0.0/16" },
    [
      'corekube:service_cidr: got "10.96.0.0/16"; this cluster was created with "10.3.0.0/16"',
      "Keep it: pulumi config set service_cidr 10.3.0.0/16. For another value, create a second cluster (pulumi stack init <name>)",
    ],
  ],
  [
    {
      cluster_name: "dev",
      region: "nyc3",
      pod_cidr: "10.32.0.0/16",
      etcd: { data_disk: 4096 },
      encryption_key: 2,
      high_availability: true,
    },
    [
      'corekube:cluster_name: got "dev"; this cluster was created with "prod"',
      "pulumi config set cluster_name prod",
      'corekube:region: got "nyc3"',
      "pulumi config set pod_cidr 10.2.0.0/16",
      "corekube:etcd.data_disk: got 4096; this cluster was created with 5120",
      "pulumi config set --path 'etcd.data_disk' 5120",
      "corekube:etcd.count: got 3; this cluster was created with 1",
      "corekube:encryption_key: got 2",
      "pulumi config set encryption_key 5",
      "pulumi config set high_availability false",
    ],
  ],
];

describe("a cluster that exists", function () {
  this.timeout(600_000);
  const cloud = new CountingCloud();
  let program: Program;
  let resources: readonly string[];

  before(async () => {
    program = new Program(await cloud.start());
    await program.makeStack("live");
    // The rest of the cluster is not needed to know what it was made with; the engine calls it incomplete.
    const { output } = await program.withSettings("live", made, [
      "up",
      "--yes",
      "--skip-preview",
      "--target",
      "urn:pulumi:live::corekube::corekube:cluster:ImmutableSettings::cluster",
    ]);
    resources = await program.resources("live");
    assert.ok(
      resources.some((urn) => urn.endsWith("corekube:cluster:ImmutableSettings::cluster")),
      output,
    );
    // What this run asked is no part of what the tests look at.
    cloud.requests.length = 0;
  });
  after(async () => {
    program.remove();
    await cloud.stop();
  });

  for (const [index, [change, words]] of refused.entries()) {
    for (const command of index === 0 ? [["preview"], ["up", "--yes", "--skip-preview"]] : [["preview"]]) {
      it(`refuses ${JSON.stringify(change)} in ${command[0]}`, async () => {
        const { code, output } = await program.withSettings("live", { ...made, ...change }, command);
        assert.notEqual(code, 0, output);
        for (const part of words) assert.ok(output.includes(part), `${part}\nis not in\n${output}`);
        assert.doesNotMatch(output, /(digitalocean|tls):index:/, "nothing else was looked at");
        // The engine lists its own providers in the order of their use.
        assert.deepEqual([...(await program.resources("live"))].sort(), [...resources].sort());
        assert.deepEqual(cloud.requests, []);
      });
    }
  }

  it("takes what may change, and remembers it", async () => {
    const changed = { ...made, node_count: 2, encryption_key: 5, etcd: { data_disk: 6144 } };
    const preview = await program.withSettings("live", changed, ["preview"]);
    assert.equal(preview.code, 0, preview.output);
    assert.match(preview.output, /~ corekube:cluster:ImmutableSettings cluster update/);
  });
});
