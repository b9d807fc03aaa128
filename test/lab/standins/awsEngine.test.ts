import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { stringify } from "yaml";
import { projectDirectory } from "../../../lab/config.js";
import { killAtExit } from "../../provider/support/processes.js";
import { tool } from "../../provider/support/tools.js";
import { TestAws } from "./awsCloud.js";

/** The real engine, the official SDK and the stand-in as the process that the engine starts. */
describe("aws stand-in under the engine", function () {
  this.timeout(600_000);
  let aws: TestAws;
  let root: string;
  const program = join(__dirname, "awsProgram");

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "corekube-aws-engine-"));
    mkdirSync(join(root, "state"));
    aws = await TestAws.start();
    assert.equal((await pulumi("stack", "init", "test")).code, 0);
    configure({});
  });

  after(async () => {
    await aws.stop();
    rmSync(root, { recursive: true, force: true });
    // The engine writes the salt of a new stack beside Pulumi.yaml, whatever the settings say.
    rmSync(join(program, "Pulumi.test.yaml"), { force: true });
  });

  function configure(more: Record<string, unknown>): void {
    const config = {
      "aws:region": "eu-central-1",
      "aws:accessKey": "test",
      "aws:secretKey": "test",
      ...aws.config(),
      "aws:skipMetadataApiCheck": true,
      "aws:skipCredentialsValidation": true,
      ...more,
    };
    writeFileSync(join(root, "settings.yaml"), stringify({ config }));
  }

  async function pulumi(...args: string[]): Promise<{ code: number; output: string }> {
    const child = spawn(await tool("pulumi"), [...args, "--non-interactive", "--color", "never"], {
      cwd: program,
      env: {
        ...process.env,
        PATH: [join(projectDirectory, "lab", "standins"), process.env["PATH"]].join(delimiter),
        PULUMI_HOME: join(root, "home"),
        PULUMI_BACKEND_URL: `file://${join(root, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_OPTION_CONFIG_FILE: join(root, "settings.yaml"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        AWS_REGION: "",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    killAtExit(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code: code ?? 255, output })));
  }

  async function works(...args: string[]): Promise<string> {
    const { code, output } = await pulumi(...args);
    assert.equal(code, 0, `pulumi ${args.join(" ")}:\n${output}`);
    return output;
  }

  const stack = ["--stack", "test"];

  async function holds(): Promise<void> {
    await works("preview", ...stack, "--expect-no-changes");
    await works("refresh", ...stack, "--yes", "--skip-preview", "--expect-no-changes");
  }

  it("makes everything, and then finds nothing to change", async () => {
    await works("preview", ...stack);
    const output = await works("up", ...stack, "--yes", "--skip-preview");
    assert.match(output, /\+ 29 created/);
    const { privateIp, publicIp } = JSON.parse(await works("stack", "output", "--json", ...stack)) as Record<
      string,
      string
    >;
    assert.match(privateIp ?? "", /^10\.0\.1\.\d+$/);
    assert.match(publicIp ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    await holds();
  });

  it("changes in place what can be changed, and then finds nothing to change", async () => {
    configure({ "aws-stand-in:changed": true });
    const output = await works("up", ...stack, "--yes", "--skip-preview");
    assert.doesNotMatch(output, /replaced|created|deleted/);
    assert.match(output, /~ 2\d updated/);
    await holds();
  });

  it("has tags on all that takes them, secrets nowhere in plain, and the keys as secrets", async () => {
    const exported = await works("stack", "export", ...stack);
    const { deployment } = JSON.parse(exported) as {
      deployment: {
        resources: { type: string; outputs?: Record<string, unknown>; inputs?: Record<string, unknown> }[];
      };
    };
    for (const { type, outputs } of deployment.resources.filter(
      (resource) => resource.type.startsWith("aws:") && resource.outputs?.["tagsAll"] !== undefined,
    )) {
      assert.equal((outputs?.["tagsAll"] as Record<string, string>)["KubernetesCluster"], "c", type);
    }
    const [provider] = deployment.resources.filter(({ type }) => type === "pulumi:providers:aws");
    assert.equal(typeof provider?.inputs?.["secretKey"], "object", "sealed");
  });

  it("deletes everything", async () => {
    await works("destroy", ...stack, "--yes", "--skip-preview");
    assert.deepEqual(await aws.holdings(), {});
  });
});
