/** What a preview says of machines whose user-data is another one than a new machine would get. */
import assert from "node:assert/strict";
import { cloudNamed } from "../../components/clouds.js";
import type { Configuration } from "../../components/contract/configurations.js";
import { allImmutables } from "../../components/immutables/all.js";
import { outdatedMachines, type RoleMachines } from "../../components/machine/outdated.js";
import { warningOf } from "../../components/machine/configurations.js";
import { machineConfiguration, nodeConfig } from "../../components/nodeconfig/index.js";
import type { Recorded } from "../../components/rollout/program/servingMachines.js";
import { type ClusterSpec, type Role, roles } from "../../components/spec/cluster.js";
import { clusterSpec } from "../../infra/config.js";
import { configuration, type Settings } from "../settings/support/cases.js";
import { valid } from "../settings/support/valid.js";

const specOf = (settings: Settings): ClusterSpec => clusterSpec(configuration(settings));
const described = (spec: ClusterSpec, role: Role): Configuration =>
  machineConfiguration(spec, role, cloudNamed(spec.cloud).profile);

const urn = (type: string, name: string): string => `urn:pulumi:dev::corekube::${type}::${name}`;
const droplet = "digitalocean:index/droplet:Droplet";

/** A state in which these machines were made with these configurations. */
function stateOf(
  machines: Readonly<Record<string, string>>,
  kept: readonly Configuration[] = [],
): Record<string, Recorded> {
  const entry = (type: string, name: string, outputs: Recorded["outputs"]): [string, Recorded] => [
    urn(type, name),
    { type, outputs },
  ];
  return Object.fromEntries([
    ...Object.entries(machines).flatMap(([name, digest]) => [
      entry(droplet, name, {}),
      entry("digitalocean:index/volume:Volume", `${name}-data`, {}),
      entry("corekube:machine:Join", name, { hostKey: "ssh-ed25519 AAAA", configuration: digest }),
    ]),
    entry("corekube:machine:Configurations", "cluster", {
      configurations: Object.fromEntries(kept.map((each) => [each.digest, each])),
    }),
  ]);
}

const base = specOf({});
const workers = (spec: ClusterSpec, count: number): RoleMachines => ({
  role: "worker",
  machines: Array.from({ length: count }, (_, index) => `kubernetes-worker-${index}`),
  configuration: described(spec, "worker"),
});
const compare = (state: Record<string, Recorded>, of: RoleMachines) =>
  outdatedMachines(state, [of], (type) => type === droplet);

describe("the configuration of machines", () => {
  it("is on the machine itself, as its digest", () => {
    for (const role of roles) {
      const record = nodeConfig(base, role, cloudNamed("digitalocean").profile).files.find(
        ({ path }) => path === "/etc/corekube/configuration",
      );
      assert.equal(record?.contents, `CONFIGURATION=${described(base, role).digest}\n`);
    }
  });

  it("names a setting for every difference that a setting makes", () => {
    const fixed = Object.values(allImmutables()).map(({ value }) => value);
    const same = (spec: ClusterSpec): boolean => fixed.every((value) => value(spec) === value(base));
    const checked = valid.map(specOf).filter(same);
    assert.ok(checked.length > 20, `${checked.length} cases`);
    let differing = 0;
    for (const spec of checked) {
      for (const role of roles) {
        const [before, after] = [described(base, role), described(spec, role)];
        if (before.digest === after.digest) continue;
        differing++;
        assert.notDeepEqual(before.settings, after.settings, `${role}: ${JSON.stringify(spec)}`);
      }
    }
    assert.ok(differing > 10, `${differing} differences`);
  });

  it("differs where a machine would, and nowhere else", () => {
    const changes: readonly (readonly [Settings, readonly Role[]])[] = [
      [
        { ssh_public_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"] },
        roles,
      ],
      [{ log_level: "DEBUG" }, roles],
      [{ apiserver: { cpus: 1 } }, ["controller"]],
      [{ etcd: { mem: 900 } }, ["etcd"]],
      [{ reserved_resources: { kube_mem: 1000 } }, ["worker"]],
      [{ node_count: 7, drain_timeout: 7, admin_cidrs: ["203.0.113.0/24"], pod_security: "restricted" }, []],
    ];
    for (const [settings, expected] of changes) {
      const spec = specOf({
        etcd_size: "s-1vcpu-2gb",
        controller_size: "s-4vcpu-8gb",
        node_size: "s-4vcpu-8gb",
        ...settings,
      });
      const without = specOf({ etcd_size: "s-1vcpu-2gb", controller_size: "s-4vcpu-8gb", node_size: "s-4vcpu-8gb" });
      assert.deepEqual(
        roles.filter((role) => described(spec, role).digest !== described(without, role).digest),
        expected,
        JSON.stringify(settings),
      );
    }
  });

  it("says nothing of machines that have it, or were never reached", () => {
    const { digest } = described(base, "worker");
    assert.deepEqual(compare(stateOf({ "kubernetes-worker-0": digest }), workers(base, 3)), []);
    assert.equal(warningOf([]), undefined);
  });

  it("names machines, settings with both values, files, and the command", () => {
    const now = specOf({ log_level: "DEBUG" });
    const before = described(base, "worker");
    const state = stateOf(
      { "kubernetes-worker-0": before.digest, "kubernetes-worker-1": described(now, "worker").digest },
      [before],
    );
    const [found, ...more] = compare(state, workers(now, 2));
    assert.deepEqual(more, []);
    assert.deepEqual(found?.machines, ["kubernetes-worker-0"]);
    assert.match(found.differences, /^log_level "INFO" -> "DEBUG" \(in .*\/etc\/corekube\/kubelet\.yaml/);
    assert.equal(found.command, `pulumi up --replace '**${droplet}::kubernetes-worker-0'`);
    assert.match(warningOf([found])!, /kubernetes-worker-0: log_level .*\n {4}To replace it: pulumi up --replace /);
  });

  it("replaces a whole pool with one pattern, which no volume matches", () => {
    const before = described(base, "worker");
    const state = stateOf(Object.fromEntries(workers(base, 1000).machines.map((name) => [name, before.digest])), [
      before,
    ]);
    const [found] = compare(state, workers(specOf({ log_level: "ERROR" }), 1000));
    assert.equal(found?.command, `pulumi up --replace '**${droplet}::kubernetes-worker-*'`);
    assert.ok(warningOf([found])!.length < 1200, "one warning, however many machines");
    // As the engine reads patterns.
    const pattern = new RegExp(`^.*${droplet}::kubernetes-worker-[^:]*$`);
    assert.deepEqual(
      [
        ...new Set(
          Object.keys(state)
            .filter((each) => pattern.test(each))
            .map((each) => state[each]!.type),
        ),
      ],
      [droplet],
    );
  });

  it("names the files when the program has changed and no setting, and machines of which nothing is known", () => {
    const now = described(base, "worker");
    const older = { ...now, digest: "0123456789abcdef", parts: { ...now.parts, "kubelet.service": "00000000" } };
    const state = stateOf({ "kubernetes-worker-0": older.digest, "kubernetes-worker-1": "" }, [older]);
    assert.deepEqual(
      compare(state, workers(base, 2)).map(({ machines, differences }) => [machines, differences]),
      [
        [["kubernetes-worker-0"], "this version of the program changes kubelet.service"],
        [["kubernetes-worker-1"], "it was made by another version of the program"],
      ],
    );
  });
});
