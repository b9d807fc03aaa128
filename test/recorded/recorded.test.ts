/** States that releases have left: this checkout takes them over, and replaces, creates and deletes nothing. */
import assert from "node:assert/strict";
import { flatcar } from "../../components/spec/versions.js";
import { version } from "../../package.json";
import { expectations } from "./expected.js";
import { changesOf, described, outputNames, unwanted, type ResourceChange } from "./support/changes.js";
import { each, type Recording, recordingsOf, refuseRecorded, releases, settingsOf } from "./support/recordings.js";
import { RecordedStacks, type StackState } from "./support/stacks.js";

const all = releases.flatMap(recordingsOf);
/** The command that records looks at all samples this way. */
const made = "dev";
const altered = "altered";
/** Stacks without the setting `image`; the machines of the second are behind a bastion, which has the same one. */
const withoutImage = ["dev", "aws-private"] as const;
const imageBefore = "4459.2.1";

interface Seen {
  readonly changes: readonly ResourceChange[];
  readonly outputs: readonly string[];
  /** What the run said. */
  readonly said: string;
}

describe("stacks of earlier releases", function () {
  this.timeout(600_000);
  const stacks = new RecordedStacks();
  /** By stack; an error is that of its preview. */
  const previews = new Map<string, Seen | Error>();
  const seen = (stack: string): Seen => {
    const found = previews.get(stack);
    if (found === undefined || found instanceof Error) throw found ?? new Error(stack);
    return found;
  };

  before(async () => {
    await stacks.start();
    await each<() => Promise<void>>(
      [
        async () => {
          await stacks.create(made, settingsOf(made));
          await stacks.make(made);
          await look(made);
        },
        ...all.map((recording) => () => takeOver(`${recording.release}-${recording.sample}`, recording)),
        () => takeOver(altered, newest("dev"), alter),
        ...withoutImage.map((sample) => () => takeOver(`older-image-${sample}`, withImageBefore(newest(sample)))),
      ],
      (work) => work(),
    );
  });
  after(() => stacks.stop());

  async function look(stack: string): Promise<void> {
    try {
      const events = await stacks.preview(stack);
      const said = events.flatMap(({ diagnosticEvent }) => diagnosticEvent?.message ?? []).join("\n");
      previews.set(stack, { changes: changesOf(events), outputs: outputNames(events), said });
    } catch (error) {
      previews.set(stack, error as Error);
    }
  }

  /** The state names its stack in each URN. */
  async function takeOver(
    stack: string,
    { sample, settings, state }: Recording,
    change: (state: StackState) => void = () => undefined,
  ): Promise<void> {
    const renamed = JSON.parse(
      JSON.stringify(state)
        .replaceAll(`urn:pulumi:${sample}::`, `urn:pulumi:${stack}::`)
        .replaceAll(`corekube-${sample}"`, `corekube-${stack}"`),
    ) as StackState;
    change(renamed);
    await stacks.create(stack, settings);
    await stacks.import(stack, renamed);
    await look(stack);
  }

  for (const { release, sample, state } of all) {
    const stack = `${release}-${sample}`;
    it(`${release}, ${sample}: nothing is replaced, created or deleted that is not expected`, () => {
      assert.deepEqual(described(unwanted(seen(stack).changes, expectations[release])), []);
    });

    it(`${release}, ${sample}: every output has its name`, () => {
      const before = state.deployment.resources.find(({ type }) => type === "pulumi:pulumi:Stack");
      assert.ok(before?.outputs !== undefined);
      const lost = Object.keys(before.outputs).filter((name) => !seen(stack).outputs.includes(name));
      assert.deepEqual(lost, []);
    });
  }

  for (const sample of withoutImage)
    it(`${sample}, made by a checkout with an older image of Flatcar: keeps it, and the run says that there is a newer one`, () => {
      const { changes, said } = seen(`older-image-${sample}`);
      assert.deepEqual(described(unwanted(changes)), []);
      assert.match(
        said,
        new RegExp(`${imageBefore}\\D.*newer one.*: pulumi config set image \\S*${flatcar.version}\\S* && pulumi up`),
      );
    });

  it("made by this checkout: the next run changes nothing at all", () => {
    assert.deepEqual(described(seen(made).changes), []);
  });

  it("are looked at as they are: what another release would have made is found, with the resource and the property", () => {
    const found = described(unwanted(seen(altered).changes));
    for (const words of [
      /^create \S+:Releases::finished$/,
      /^delete \S+:Releases::concluded$/,
      /^replace \S+Droplet::kubernetes-worker-1: image$/,
      /^replace \S+Join::kubernetes-worker-0: machineId$/,
      /^replace \S+DaemonSet::\S+: spec\.selector\.matchLabels\S*$/,
      /^replace \S+CertRequest::kubernetes-etcd-metrics: subject\.commonName$/,
    ])
      assert.ok(
        found.some((line) => words.test(line)),
        `${String(words)}\nis not in\n${found.join("\n")}`,
      );
    assert.ok(!found.some((line) => line.includes("what it depends on")), found.join("\n"));
  });

  it("are recorded, that of package.json's version too, and never again", () => {
    assert.ok(recordingsOf(version).length > 0);
    assert.throws(() => refuseRecorded(version), /is never made again.*npm version/);
    assert.deepEqual(Object.keys(expectations).sort(), [...releases].sort());
  });
});

const newest = (sample: string): Recording =>
  recordingsOf(releases.at(-1)!).find((recording) => recording.sample === sample)!;

/** As if the checkout that made it had an image of an older Flatcar: to the stack, this checkout is one with a newer image. */
function withImageBefore({ state, ...recording }: Recording): Recording {
  const { image } = state.deployment.resources.find(({ urn }) => urn.endsWith(":Releases::started"))!.outputs!;
  const release = /[0-9]{4}\.[0-9]+\.[0-9]+/.exec(String(image))?.[0];
  assert.ok(release !== undefined, String(image));
  // On AWS another image has another id, too; and the account does not offer the older one, so that a machine in no zone would be made.
  const before = JSON.parse(
    JSON.stringify(state)
      .replaceAll(release, imageBefore)
      .replaceAll(/"ami-[0-9a-f]+"/g, '"ami-0aaaaaaaaaaaaaaaa"'),
  ) as StackState;
  const { resources } = before.deployment;
  for (const { outputs } of resources.filter(({ type }) => type === "aws:ec2/instance:Instance")) {
    const subnet = resources.find(({ id, type }) => type.endsWith(":Subnet") && id === outputs?.["subnetId"]);
    Object.assign(outputs!, { availabilityZone: subnet!.outputs!["availabilityZone"] });
  }
  return { ...recording, state: before };
}

/** As if the release had other names and inputs. */
function alter({ deployment: { resources } }: StackState): void {
  const change = (end: string, edit: (inputs: Record<string, unknown>) => void): void => {
    const found = resources.find(({ urn, inputs }) => urn.endsWith(end) && inputs !== undefined);
    assert.ok(found, end);
    edit(found.inputs!);
  };
  const finished = resources.find(({ urn }) => urn.endsWith(":Releases::finished"))!;
  finished.urn = finished.urn.replace(/finished$/, "concluded");
  change("Droplet::kubernetes-worker-1", (inputs) => (inputs["image"] = "another"));
  change("Join::kubernetes-worker-0", (inputs) => (inputs["machineId"] = "another"));
  change("CertRequest::kubernetes-etcd-metrics", (inputs) => (inputs["subject"] = { commonName: "another" }));
  const set = resources.find(({ type }) => type === "kubernetes:apps/v1:DaemonSet")!;
  const { selector } = set.inputs!["spec"] as { selector: { matchLabels: Record<string, string> } };
  selector.matchLabels["release"] = "another";
}
