/** When a run asks for versions of the API that it would remove, what it refuses, and how that is said. */
import assert from "node:assert/strict";
import type { ChosenReleases } from "../../components/spec/cluster.js";
import { refusedRemovals, removalsOf, remarksOnRemovals, type UsedApis } from "../../components/spec/removals.js";

const plain = (version: string): ChosenReleases => ({ kubernetesVersion: version, nodeVersion: version });
const emulating: ChosenReleases = { kubernetesVersion: "1.37.2", nodeVersion: "1.36.3", emulatedVersion: "1.36" };
const used: UsedApis = {
  requested: [
    { api: "a.io/v1beta1 things", removedIn: "1.37", clients: ["ada with helm/3.1", "bot with operator/1.0"] },
    { api: "b.io/v1beta1 others", removedIn: "1.36", clients: [] },
  ],
  since: "2026-11-01T00:00:00.000Z",
  unanswered: {},
};
const nothing: UsedApis = { requested: [], since: used.since, unanswered: {} };

describe("versions of the API that a release removes", () => {
  const rows: readonly (readonly [
    string,
    ChosenReleases,
    ChosenReleases | undefined,
    ReturnType<typeof removalsOf>,
  ])[] = [
    ["not asked for a new cluster", plain("1.37.2"), undefined, undefined],
    ["not for a patch", plain("1.36.3"), plain("1.36.1"), undefined],
    ["before a minor version", plain("1.37.2"), plain("1.36.3"), { minor: 37, now: true }],
    ["when it begins to be emulated, which removes nothing", emulating, plain("1.36.3"), { minor: 37, now: false }],
    ["not while it stays emulated", emulating, emulating, undefined],
    ["before the end of the emulation", plain("1.37.2"), emulating, { minor: 37, now: true }],
    ["not on the way back", plain("1.36.3"), emulating, undefined],
    ["not when a change goes on", plain("1.37.2"), plain("1.37.1"), undefined],
  ];
  for (const [what, chosen, started, expected] of rows)
    it(what, () => assert.deepEqual(removalsOf(chosen, started ? { started } : {}), expected));

  const now = { minor: 37, now: true };
  const spec = { kubernetesVersion: "1.37.2", acceptRemovedApis: "" };

  it("refuse the run while clients use them, with who they are and what leads on", () => {
    const { path, got, allowed, fix = "" } = refusedRemovals(spec, now, used) ?? assert.fail();
    assert.deepEqual([path, got], ["kubernetes_version", "1.37.2"]);
    assert.match(
      allowed,
      /a\.io\/v1beta1 things \(removed in 1\.37; asked for by ada with helm\/3\.1, bot with operator\/1\.0\)/,
    );
    assert.match(allowed, /b\.io\/v1beta1 others \(removed in 1\.36; asked for by whom no audit log says\)/);
    assert.match(fix, /pulumi config set accept_removed_apis 1\.37 && pulumi up$/);
  });

  it("do not refuse it where nothing uses them, while they are emulated, or where this minor version's are accepted", () => {
    assert.equal(refusedRemovals(spec, now, nothing), undefined);
    assert.equal(refusedRemovals(spec, { minor: 37, now: false }, used), undefined);
    assert.equal(refusedRemovals({ ...spec, acceptRemovedApis: "1.37" }, now, used), undefined);
    assert.ok(refusedRemovals({ ...spec, acceptRemovedApis: "1.36" }, now, used), "that of an earlier upgrade");
  });

  it("are named where the run goes on, and so is what is not known", () => {
    assert.deepEqual(remarksOnRemovals(now, nothing), []);
    assert.match(remarksOnRemovals(now, used).join(), /fail for: a\.io.*b\.io.*Counted since 2026-11-01/);
    assert.match(remarksOnRemovals({ minor: 37, now: false }, used).join(), /finishing the change will be refused/);
    const silent = { ...nothing, unanswered: { "dev-controller-0": "no SSH" } };
    assert.match(remarksOnRemovals(now, silent).join(), /^dev-controller-0: whether clients use .* not known: no SSH$/);
  });
});
