/** The pipelines' scripts on a cluster that runs: nothing to do, no drift, then drift made behind the engine's back. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labCloud } from "../../lab/cluster/cloud.js";
import { stackName } from "../../lab/engine/settings.js";
import { childEnvironment } from "../../lab/engine/stack.js";
import { script, type ScriptRun } from "../ci/support/run.js";
import { config } from "./region.js";

const stack = stackName(config);
const rule = { protocol: "tcp", ports: "8081", sources: { addresses: ["198.51.100.0/24"] } };

/** Tests of the scripts in ci/ on the cluster that a suite has booted. */
export function testPipelines(needsCluster: () => void): void {
  describe("pipelines", () => {
    const folder = mkdtempSync(join(tmpdir(), "corekube-ci-"));
    const policyConfig = join(folder, "policies.json");
    const run = (name: string, ...args: string[]): Promise<ScriptRun> =>
      script(name, [...args, ...(name === "up" ? [] : ["--out", folder])], {
        ...childEnvironment(config, stack),
        COREKUBE_POLICY_CONFIG: policyConfig,
      });
    const openPort = async (open: boolean): Promise<void> => {
      const firewall = (await labCloud(config).list("firewalls")).find(({ name }) => name === "kubernetes-worker");
      assert.ok(firewall);
      const url = `${config.apiUrl}/v2/firewalls/${firewall.id}`;
      const headers = { authorization: `Bearer ${config.token}`, "content-type": "application/json" };
      const now = (await (await fetch(url, { headers })).json()) as {
        firewall: { inbound_rules: { ports: string }[] };
      };
      const others = now.firewall.inbound_rules.filter(({ ports }) => ports !== rule.ports);
      const body = { ...now.firewall, inbound_rules: open ? [...others, rule] : others };
      const answer = await fetch(url, { method: "PUT", headers, body: JSON.stringify(body) });
      assert.equal(answer.status, 200);
    };

    before(() => {
      // A cluster that is thrown away, as the policy pack's own exceptions for the lab's shipped stacks.
      writeFileSync(policyConfig, JSON.stringify({ "ca-keys-protected": { stacks: [`corekube/${stack}`] } }));
    });
    beforeEach(needsCluster);
    after(() => rmSync(folder, { recursive: true, force: true }));

    it("ci/preview: nothing to do, and ci/up does nothing", async () => {
      const preview = await run("preview");
      assert.equal(preview.code, 0, preview.output);
      assert.match(preview.output, /nothing to do/);
      const up = await run("up", "--preview", join(folder, "preview.json"));
      assert.equal(up.code, 0, up.output);
    });

    it("ci/drift: clean", async () => {
      const drift = await run("drift");
      assert.equal(drift.code, 0, drift.output);
    });

    it("ci/drift: a firewall rule from elsewhere is found and named", async () => {
      await openPort(true);
      const drift = await run("drift");
      assert.equal(drift.code, 2, drift.output);
      assert.match(
        readFileSync(join(folder, "drift.md"), "utf8"),
        /kubernetes-worker \(digitalocean:Firewall.*\) was changed\n {2}- `inboundRules\[\d+\]` \(\d+ characters\) added/,
      );
      await openPort(false);
    });

    it("ci/drift: certificates that end within 400 days are named", async () => {
      const drift = await run("drift", "--certificate-days", "400");
      assert.equal(drift.code, 2, drift.output);
      assert.match(drift.output, /kubernetes-admin \| \d{4}-\d\d-\d\d \| 36\d/);
      assert.doesNotMatch(drift.output.split("<details>")[0] ?? "", /\(authority\)/);
    });

    it("no file holds a private key or a token", () => {
      for (const name of ["preview.md", "preview.json", "drift.md", "drift.json"]) {
        const text = readFileSync(join(folder, name), "utf8");
        assert.doesNotMatch(text, /PRIVATE KEY/);
        assert.ok(!text.includes(config.token), name);
      }
    });
  });
}
