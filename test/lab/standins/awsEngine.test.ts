import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { TestEngine } from "../../support/engine.js";
import { Moto } from "../../../lab/clouds/aws/moto.js";
import { TestAws } from "../../support/awsCloud.js";

/** The real engine, the official SDK and the stand-in as the process that the engine starts. */
describe("aws stand-in under the engine", function () {
  this.timeout(600_000);
  let aws: TestAws;
  const engine = new TestEngine();
  const program = join(__dirname, "awsProgram");

  before(async () => {
    aws = await TestAws.start();
    await works("stack", "init", "test");
    configure({});
  });

  after(async () => {
    await aws.stop();
    engine.remove();
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
    writeFileSync(join(engine.root, "settings.yaml"), stringify({ config }));
  }

  const options = {
    cwd: program,
    env: { PULUMI_OPTION_CONFIG_FILE: join(engine.root, "settings.yaml"), AWS_REGION: "" },
  };
  const works = (...args: string[]): Promise<string> => engine.must(args, options);

  const stack = ["--stack", "test"];

  async function holds(): Promise<void> {
    await works("preview", ...stack, "--expect-no-changes");
    await works("refresh", ...stack, "--yes", "--skip-preview", "--expect-no-changes");
  }

  it("makes everything, and then finds nothing to change", async () => {
    await works("preview", ...stack);
    const output = await works("up", ...stack, "--yes", "--skip-preview");
    assert.match(output, /\+ 30 created/);
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

  it("replaces a machine that has its volume mounted; the next one gets the volume and the address", async () => {
    const attached = async () =>
      (await new Moto(aws.url).state()).volumes.filter(({ device }) => device === "/dev/xvdf");
    const address = () => works("stack", "output", "publicIp", ...stack);
    const [before] = await attached();
    const addressBefore = await address();
    aws.mounted.add(before!.id);
    configure({ "aws-stand-in:changed": true, "aws-stand-in:size": "t3.large" });
    const output = await works("up", ...stack, "--yes", "--skip-preview");
    assert.match(output, /\+-3 replaced/);
    const [after] = await attached();
    assert.deepEqual([after?.id, after?.attachment], [before?.id, "attached"]);
    assert.notEqual(after?.instance, before?.instance);
    const machine = (await new Moto(aws.url).state()).instances.find(({ id }) => id === after?.instance);
    assert.deepEqual([await address(), machine?.publicAddress], [addressBefore, addressBefore.trim()]);
    await holds();
  });

  it("deletes everything, mounted volumes too", async () => {
    await works("destroy", ...stack, "--yes", "--skip-preview");
    assert.deepEqual(await aws.holdings(), {});
  });
});
