/** What holds for every cluster that settings can describe. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cloudNamed } from "../../components/clouds.js";
import { userDataLimit } from "../../components/nodeconfig/budget.js";
import { nodeConfig, renderUserData } from "../../components/nodeconfig/index.js";
import { renderIgnition } from "../../components/nodeconfig/base/ignition.js";
import { addressCount, overlap, podPrefixPerNode, subnetCount } from "../../components/spec/cidr.js";
import { roles } from "../../components/spec/cluster.js";
import { clusterSpec } from "../../infra/config.js";
import { validate } from "../../infra/settings/validate.js";
import { aws, configuration } from "../settings/support/cases.js";
import { anySpec, anyUnboundedSpec, anyValues } from "./support/arbitrary.js";

describe("any cluster", function () {
  this.timeout(300_000);

  it("has three networks that share no address", () => {
    fc.assert(
      fc.property(anySpec, ({ nodeCidr, podCidr, serviceCidr }) => {
        assert.ok(!overlap(nodeCidr, podCidr) && !overlap(nodeCidr, serviceCidr) && !overlap(podCidr, serviceCidr));
      }),
      { numRuns: 100 },
    );
  });

  it("has an address for every machine and a pod range for every node", () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const nodes = spec.controllers.count + spec.workers.count + spec.publicWorkers.count;
        assert.ok(subnetCount(spec.podCidr, podPrefixPerNode) >= nodes);
        const { taken, parts, spread } = cloudNamed(spec.cloud).profile.privateNetwork;
        assert.ok((addressCount(spec.nodeCidr) / parts - taken) * spread >= nodes + spec.etcd.count);
      }),
      { numRuns: 100 },
    );
  });

  it("is refused with a remedy, or is one: validation never fails in another way", () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const { settings, problems } = validate(values);
        assert.equal(settings === undefined, problems.length > 0);
        for (const { path, allowed } of problems) assert.ok(path !== "" && allowed !== "");
      }),
      { numRuns: 100 },
    );
  });

  it("has user-data that clouds accept, with long proxies, 20 mirrors and further keys", () => {
    const registries = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `registry-${index}.upstream.example`,
        `https://mirror.corp.example:5000/registry-${index}`,
      ]),
    );
    const hosts = Array.from({ length: 100 }, (_, index) => `build-${index}.corp.example`)
      .join(",")
      .slice(0, 2000)
      .replace(/,[^,]*$/, "");
    const proxy = `http://proxy.corp.example:3128/${"gate/".repeat(392)}`;
    assert.ok(proxy.length > 1985 && hosts.length > 1975);
    for (const cloud of [{}, { ...aws, cloud_provider: "aws" }]) {
      const spec = clusterSpec(
        configuration({
          ...cloud,
          high_availability: true,
          http_proxy: proxy,
          https_proxy: proxy,
          no_proxy: hosts,
          mirrors: { releases: "https://mirror.corp.example/releases", registries },
          ssh_public_keys: [`ssh-ed25519 AAAA${"b".repeat(64)} ada@example`],
        }),
      );
      for (const role of roles)
        assert.ok(
          Buffer.byteLength(renderUserData(spec, role, cloudNamed(spec.cloud).profile)) <= userDataLimit,
          `${spec.cloud} ${role}`,
        );
    }
  });

  it("whose user-data would be too large is refused before anything is made, with what to shorten", () => {
    const worst = new Map<string, number>();
    let refused = 0;
    fc.assert(
      fc.property(anyUnboundedSpec, (spec) => {
        for (const role of roles) {
          const bytes = Buffer.byteLength(renderIgnition(nodeConfig(spec, role, cloudNamed(spec.cloud).profile)));
          worst.set(role, Math.max(worst.get(role) ?? 0, bytes));
          if (bytes <= userDataLimit) continue;
          refused++;
          assert.throws(
            () => renderUserData(spec, role, cloudNamed(spec.cloud).profile),
            /clouds accept 16384; shorten what grows with the settings: corekube:/,
          );
        }
      }),
      { numRuns: 100 },
    );
    process.stdout.write(
      `    largest user-data before the check: ${[...worst].map(([role, bytes]) => `${role} ${bytes} bytes`).join(", ")}; ${refused} of 100 too large\n`,
    );
  });
});
