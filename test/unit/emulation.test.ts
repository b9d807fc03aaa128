/** A control plane of another release that emulates the minor version before: what of the machines it changes. */
import assert from "node:assert/strict";
import { parse as parseYaml } from "yaml";
import { cloudNamed } from "../../components/clouds.js";
import type { Configuration } from "../../components/contract/configurations.js";
import { machineConfiguration } from "../../components/nodeconfig/index.js";
import { controlPlanePrograms } from "../../components/nodeconfig/base/users.js";
import { type ClusterSpec, type Role, roles } from "../../components/spec/cluster.js";
import { clusters } from "../golden/support/specs.js";

const before = clusters.ha;
const soaking: ClusterSpec = {
  ...before,
  kubernetesVersion: "1.99.1",
  emulatedVersion: "1.98",
  images: {
    ...before.images,
    ...Object.fromEntries(
      controlPlanePrograms.map((name) => [name, { name: `registry.k8s.io/${name}:v1.99.1`, digest: null }]),
    ),
  },
};
const of = (spec: ClusterSpec, role: Role): Configuration =>
  machineConfiguration(spec, role, cloudNamed(spec.cloud).profile);
const pod = (spec: ClusterSpec, program: string) => {
  const { contents } = of(spec, "controller").files[`/etc/corekube/manifests/${program}.yaml`]!;
  const manifest = parseYaml(contents) as { spec: { containers: [{ image: string; command: string[] }] } };
  return manifest.spec.containers[0];
};

describe("a control plane that emulates the minor version before", () => {
  for (const role of roles.filter((name) => name !== "controller"))
    it(`changes nothing on machines of role ${role}`, () => assert.deepEqual(of(soaking, role), of(before, role)));

  it("changes the programs of the control plane on controllers, and nothing else", () => {
    const [was, is] = [of(before, "controller"), of(soaking, "controller")];
    assert.deepEqual(is.links, was.links);
    assert.deepEqual(
      Object.keys(is.files).filter((path) => is.files[path]!.contents !== was.files[path]?.contents),
      controlPlanePrograms.map((name) => `/etc/corekube/manifests/${name}.yaml`),
    );
    assert.deepEqual(is.versions, { "kube-apiserver": "1.99.1", kubelet: before.nodeVersion });
  });

  for (const program of controlPlanePrograms)
    it(`is a flag of ${program}, and of none that emulates nothing`, () => {
      const { image, command } = pod(soaking, program);
      assert.equal(image, `registry.k8s.io/${program}:v1.99.1`);
      assert.ok(command.includes("--emulated-version=1.98"), command.join(" "));
      assert.deepEqual(
        pod(before, program).command.filter((flag) => flag.includes("emulated")),
        [],
      );
    });
});
