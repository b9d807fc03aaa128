/** An AWS for tests: the lab's moto on a free port, without a region around it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureMoto, Moto, startMoto, stopMoto } from "../../lab/clouds/aws/moto.js";
import { labConfig, type LabConfig } from "../../lab/config.js";
import { type Scarcity, setScarcity } from "../../lab/scarcity.js";
import type { VolumeSight } from "../../lab/region/spec.js";
import { freePort } from "../../lab/process/freePort.js";

// Which Node runs is for the project to say.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

export const image = "ami-0f1a7ca2000000001";
export const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPrhUoL3aAzWjRDXeUWCJO/5H7oFyFJ5tSHTBUkBKoD admin";

export class TestAws {
  /** Volumes whose file system a machine has mounted. */
  readonly mounted = new Set<string>();
  private readonly following: NodeJS.Timeout;

  private constructor(
    readonly url: string,
    private readonly region: LabConfig,
  ) {
    this.following = setInterval(() => void this.follow().catch(() => undefined), 100);
  }

  /** Machines do what they are asked as soon as they can: stop, show volumes, and let go of those that they have not mounted. */
  private async follow(): Promise<void> {
    const moto = new Moto(this.url);
    const { instances, volumes } = await moto.state();
    const stopped = instances.filter(({ state }) => state === "stopping");
    const moving = volumes.filter(({ attachment }) => attachment !== null && attachment !== "attached");
    if (stopped.length + moving.length === 0) return;
    const seen = moving.map(({ id, attachment }): [string, VolumeSight] => [
      id,
      this.mounted.has(id) ? "mounted" : attachment === "attaching" ? "shown" : "absent",
    ]);
    await moto.report({
      instances: stopped.map(({ id }) => ({ id, state: "stopped" })),
      health: {},
      volumes: Object.fromEntries(seen),
    });
  }

  static async start(): Promise<TestAws> {
    const directory = mkdtempSync(join(tmpdir(), "corekube-moto-"));
    const config = labConfig({ ...process.env, COREKUBE_LAB_DIR: directory });
    await ensureMoto(config, { report: () => undefined });
    const { url } = await startMoto(config, { port: await freePort() });
    return new TestAws(url, config);
  }

  async stop(): Promise<void> {
    clearInterval(this.following);
    await stopMoto(this.region);
    rmSync(this.region.directory, { recursive: true, force: true });
  }

  /** What the account holds, by kind; kinds that it has none of are left out. */
  async holdings(): Promise<Record<string, number>> {
    const { kinds } = await new Moto(this.url).state();
    return Object.fromEntries(
      Object.entries(kinds)
        .filter(([, ids]) => ids.length > 0)
        .map(([kind, ids]) => [kind, ids.length]),
    );
  }

  /** What EC2 has run out of, from now on. */
  setScarcity(wanted: Scarcity): void {
    setScarcity(this.region, wanted);
  }

  /** Where everything is, as a stack's configuration says it. */
  config(): { readonly "aws:endpoints": readonly Readonly<Record<string, string>>[] } {
    return {
      "aws:endpoints": [
        Object.fromEntries(["ec2", "elbv2", "elb", "iam", "sts"].map((service) => [service, this.url])),
      ],
    };
  }

  /** Settings of the provider, as the engine hands them to it. */
  settings(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const endpoints = JSON.stringify(this.config()["aws:endpoints"]);
    return {
      region: "eu-central-1",
      accessKey: "test",
      secretKey: "test",
      endpoints,
      skipMetadataApiCheck: "true",
      ...more,
    };
  }
}

/** An AWS of one answer of the test's own, for what moto never does. */
export function xmlError(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>1</RequestID></Response>`;
}

/** A call outside the program. */
export async function fetchXml(url: string, body: string, service = "ec2"): Promise<string> {
  const authorization = `AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=x`;
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", authorization },
    body,
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text;
}
