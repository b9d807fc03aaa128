/** What the state says of a cluster's releases: what is begun, and what all machines have. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { RecordedState } from "../../components/cloud/recordedState.js";
import type { ReachedMachine } from "../../components/machine/pool.js";
import { FinishedReleases, recordedReleases, StartedReleases } from "../../components/releases/clusterReleases.js";
import type { ChosenReleases, Role } from "../../components/spec/cluster.js";
import { registrationsOf } from "./support/registrations.js";

const before: ChosenReleases = { kubernetesVersion: "1.35.4", nodeVersion: "1.35.4" };
const wanted: ChosenReleases = { kubernetesVersion: "1.36.3", nodeVersion: "1.35.4", emulatedVersion: "1.35" };
const image = "Flatcar-stable-4459.2.1-hvm";
const current = Object.fromEntries(
  ["etcd", "controller", "worker", "public"].map((role) => [role, { digest: `${role}-new` }]),
) as Readonly<Record<Role, { readonly digest: string }>>;

const machine = (role: Role, configuration: pulumi.Output<string>): ReachedMachine =>
  ({ machine: { role, name: role }, configuration }) as unknown as ReachedMachine;
const has = (role: Role, digest: string): ReachedMachine => machine(role, pulumi.output(digest));

/** What is recorded as finished. */
async function finished(machines: readonly ReachedMachine[], earlier?: ChosenReleases) {
  const { one } = await registrationsOf(() => {
    new FinishedReleases(wanted, earlier, machines, current);
    return Promise.resolve();
  });
  return one("Releases", "finished").inputs;
}

describe("a cluster's releases in its state", () => {
  it("are finished when every machine has its role's configuration", async () => {
    assert.deepEqual(await finished([has("etcd", "etcd-new"), has("worker", "worker-new")], before), wanted);
    assert.deepEqual(await finished([has("etcd", "etcd-new")]), wanted);
  });

  it("stay what they were while a machine has not, such as one that the run left out", async () => {
    assert.deepEqual(await finished([has("etcd", "etcd-new"), has("worker", "worker-old")], before), before);
    // Another role's is not its own.
    assert.deepEqual(await finished([has("controller", "etcd-new")], before), before);
    assert.deepEqual(await finished([has("etcd", "etcd-old")]), {});
  });

  it("stay what they were when a machine has failed, or is not known", async () => {
    const failed = pulumi.output(Promise.reject<string>(new Error("it did not start")));
    failed.apply(() => undefined);
    assert.deepEqual(await finished([machine("etcd", failed)], before), before);
    assert.deepEqual(
      await finished([machine("etcd", pulumi.output(pulumi.unknown as unknown as string))], before),
      before,
    );
  });

  it("are begun when the engine says so", async () => {
    let begun = false;
    const { registrations } = await registrationsOf(async () => {
      await new StartedReleases({ ...wanted, image }).recorded();
      begun = true;
    });
    assert.ok(begun);
    assert.deepEqual(
      registrations.map(({ name, inputs }) => [name, inputs]),
      [["started", { ...wanted, image }]],
    );
  });

  it("are read again as they were written, and not at all from a run that recorded nothing", () => {
    const state = (resources: Readonly<Record<string, ChosenReleases | object>>) =>
      new RecordedState(
        Object.fromEntries(
          Object.entries(resources).map(([name, outputs]) => [
            `urn:pulumi:prod::corekube::corekube:cluster:Releases::${name}`,
            { type: "corekube:cluster:Releases", outputs: { ...outputs } },
          ]),
        ),
      );
    assert.deepEqual(recordedReleases(state({ started: wanted, finished: before })), {
      started: wanted,
      finished: before,
    });
    assert.deepEqual(recordedReleases(state({ started: { ...before, image }, finished: {} })), {
      started: before,
      finished: undefined,
      image,
    });
    assert.deepEqual(recordedReleases(state({})), { started: undefined, finished: undefined });
  });
});
