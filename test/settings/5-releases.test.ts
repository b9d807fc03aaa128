/** The release of a cluster that exists, through the real engine: what a preview refuses, and that a newer checkout changes nothing. */
import assert from "node:assert/strict";
import type { ChosenReleases } from "../../components/spec/cluster.js";
import { flatcar, newestVersion } from "../../components/spec/versions.js";
import { CountingCloud } from "../support/countingCloud.js";
import { least, type Settings } from "./support/cases.js";
import { Program } from "./support/program.js";

const plain = (version: string): ChosenReleases => ({ kubernetesVersion: version, nodeVersion: version });
const emulating: ChosenReleases = { kubernetesVersion: "1.36.3", nodeVersion: "1.35.4", emulatedVersion: "1.35" };

const urn = (type: string, name: string): string => `urn:pulumi:live::corekube::corekube:cluster:${type}::${name}`;
const targets = [
  ["ImmutableSettings", "cluster"],
  ["Releases", "started"],
].flatMap(([type, name]) => ["--target", urn(type!, name!)]);

/** Where the cluster stands, what is set, and what the error says. */
const refused: readonly (readonly [string, ChosenReleases, ChosenReleases | undefined, Settings, string[]])[] = [
  [
    "a minor version down that is finished",
    plain("1.36.3"),
    plain("1.36.3"),
    { kubernetes_version: "1.35.4" },
    [
      'corekube:kubernetes_version: got "1.35.4"; allowed: 1.36.1, 1.36.3; all machines have 1.36',
      "Keep it: pulumi config set kubernetes_version 1.36.3",
    ],
  ],
  [
    "two minor versions at once",
    plain("1.34.1"),
    plain("1.34.1"),
    { kubernetes_version: "1.36.3" },
    [
      "allowed: 1.35.4; one minor version changes at a time",
      "pulumi config set kubernetes_version 1.35.4 && pulumi up",
    ],
  ],
  [
    "to go back half-way without emulation",
    plain("1.36.3"),
    plain("1.35.4"),
    { kubernetes_version: "1.35.4" },
    ["has begun to reach machines without emulation", "pulumi config set kubernetes_version 1.36.3 && pulumi up"],
  ],
  [
    "to go back while it is being finished",
    plain("1.36.3"),
    emulating,
    { kubernetes_version: "1.35.4" },
    ["or is being finished", "pulumi config set kubernetes_version 1.36.3 && pulumi up"],
  ],
  [
    "to emulate what is finished",
    plain("1.36.3"),
    plain("1.36.3"),
    { kubernetes_version: "1.36.3", emulated_version: "1.35" },
    ['corekube:emulated_version: got "1.35"; allowed: no value', "pulumi config rm emulated_version"],
  ],
  [
    "another emulated version than the one before",
    plain("1.35.4"),
    plain("1.35.4"),
    { kubernetes_version: "1.36.3", emulated_version: "1.34" },
    ["allowed: 1.35, the minor version before", "pulumi config set emulated_version 1.35"],
  ],
  [
    "another minor version of a cluster that is not complete",
    plain("1.35.4"),
    undefined,
    { kubernetes_version: "1.36.3" },
    ["the cluster's creation has not ended", "pulumi config set kubernetes_version 1.35.4 && pulumi up"],
  ],
  [
    "a release that this checkout does not have",
    plain("1.35.2"),
    plain("1.35.2"),
    {},
    ['got "1.35.2"', "of which this checkout has no checksums", "git checkout", "versions/1.35.2.json"],
  ],
];

/** What goes on, and what the preview shows of it. */
const accepted: readonly (readonly [string, ChosenReleases, ChosenReleases, Settings, boolean])[] = [
  ["the release that it has, though the checkout has newer ones", plain("1.35.4"), plain("1.35.4"), {}, false],
  ["the same, set", plain("1.35.4"), plain("1.35.4"), { kubernetes_version: "1.35.4" }, false],
  ["the next minor version", plain("1.35.4"), plain("1.35.4"), { kubernetes_version: "1.36.3" }, true],
  [
    "the way back half-way, while it emulates",
    emulating,
    plain("1.35.4"),
    { kubernetes_version: "1.35.4", emulated_version: "" },
    true,
  ],
];

describe("the release of a cluster that exists", function () {
  this.timeout(600_000);
  const cloud = new CountingCloud();
  let program: Program;

  before(async () => {
    program = new Program(await cloud.start());
    await program.makeStack("live");
    // The rest of the cluster is not needed; the engine calls it incomplete.
    const { output } = await program.withSettings("live", least, ["up", "--yes", "--skip-preview", ...targets]);
    assert.ok((await program.resources("live")).includes(urn("Releases", "started")), output);
  });
  after(async () => {
    program.remove();
    await cloud.stop();
  });

  /** The cluster as other runs would have left it. */
  const stand = (
    started: ChosenReleases,
    finished: ChosenReleases | undefined,
    image: string = flatcar.digitalocean,
  ): Promise<void> =>
    program.changeState("live", (resources) => {
      const at = resources.findIndex((resource) => resource.urn === urn("Releases", "started"));
      const made = resources[at]!;
      const others = resources.filter((resource) => !resource.urn.includes(":Releases::"));
      const with_ = (name: string, releases: ChosenReleases & { readonly image?: string }) => ({
        ...made,
        urn: urn("Releases", name),
        inputs: releases,
        outputs: releases,
      });
      resources.splice(0, Infinity, ...others, with_("started", { ...started, image }));
      if (finished) resources.push(with_("finished", finished));
    });

  it("is recorded before there is a machine, as the newest one for a new cluster", async () => {
    await program.changeState("live", (resources) => {
      const found = resources.find((resource) => resource.urn === urn("Releases", "started"));
      assert.deepEqual(found?.outputs, { ...plain(newestVersion), image: flatcar.digitalocean });
    });
  });

  it("keeps the image of an older checkout, also for new machines, and the run says that there is a newer one", async () => {
    const older = flatcar.digitalocean.replaceAll(flatcar.version, "4459.2.1");
    await stand(plain(newestVersion), plain(newestVersion), older);
    const settings = { ...least, node_count: 2 };
    const kept = await program.withSettings("live", settings, ["preview", "--diff"]);
    assert.equal(kept.code, 0, kept.output);
    assert.ok(kept.output.includes(`url : "${older}"`), kept.output);
    assert.doesNotMatch(kept.output, /~ image ?: /);
    const command = `pulumi config set image ${flatcar.digitalocean} && pulumi up`;
    assert.ok(kept.output.includes(`The machines keep the image ${older}. This checkout has a newer one`), kept.output);
    assert.ok(kept.output.includes(command), kept.output);
    const changed = await program.withSettings("live", { ...settings, image: flatcar.digitalocean }, [
      "preview",
      "--diff",
    ]);
    assert.equal(changed.code, 0, changed.output);
    assert.ok(changed.output.includes(`~ image: "${older}" => "${flatcar.digitalocean}"`), changed.output);
    assert.ok(changed.output.includes(`url : "${flatcar.digitalocean}"`), changed.output);
    assert.doesNotMatch(changed.output, /The machines keep the image/);
  });

  it("stays on its cloud, which is said of a change of the cloud, and not of the image", async () => {
    await stand(plain(newestVersion), plain(newestVersion));
    const settings = { ...least, cloud: "aws", region: "eu-central-1", "aws:region": "eu-central-1" };
    const { code, output } = await program.withSettings("live", settings, ["preview"]);
    assert.notEqual(code, 0, output);
    assert.match(output, /a cluster cannot move to another cloud/);
    assert.doesNotMatch(output, /corekube:image/);
  });

  for (const [what, started, finished, settings, words] of refused)
    it(`is not ${what}, and a preview says so`, async () => {
      await stand(started, finished);
      const { code, output } = await program.withSettings("live", { ...least, ...settings }, ["preview"]);
      assert.notEqual(code, 0, output);
      for (const part of words) assert.ok(output.includes(part), `${part}\nis not in\n${output}`);
      assert.doesNotMatch(output, /(digitalocean|tls):index:/, "nothing else was looked at");
    });

  for (const [what, started, finished, settings, changes] of accepted)
    it(`is ${what}`, async () => {
      await stand(started, finished);
      const { code, output } = await program.withSettings("live", { ...least, ...settings }, ["preview"]);
      assert.equal(code, 0, output);
      assert.equal(/~ corekube:cluster:Releases started update/.test(output), changes, output);
      // One member and one controller.
      assert.equal(/warning: The only controller restarts/.test(output), changes, output);
      // This state has no machines that could be asked.
      const asks = settings["kubernetes_version"] === "1.36.3";
      assert.equal(/whether clients use what Kubernetes 1\.36 removes from the API is not known/.test(output), asks);
      if (!changes) assert.match(output, /The cluster keeps Kubernetes 1\.35\.4\. This checkout has 1\.36\.3/);
    });

  it("does not change in a run that leaves the record of it out", async () => {
    await stand(plain("1.35.4"), plain("1.35.4"));
    const settings = { ...least, kubernetes_version: "1.36.3" };
    const run = ["up", "--yes", "--skip-preview", "--target", urn("ImmutableSettings", "cluster")];
    const { code, output } = await program.withSettings("live", settings, run);
    assert.notEqual(code, 0, output);
    assert.match(output, /this run has targets or exclusions.*No machine was changed.*pulumi up/);
    await program.changeState("live", (resources) => {
      const found = resources.find((resource) => resource.urn === urn("Releases", "started"));
      assert.deepEqual(found?.outputs, { ...plain("1.35.4"), image: flatcar.digitalocean });
    });
  });
});
