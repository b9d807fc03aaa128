/**
 * Rows of the tables through `pulumi preview`: the real program, engine and provider, and a cloud that counts. Each row is a
 * unit test too, so a sample runs by default; COREKUBE_TEST_PREVIEWS=all runs every row.
 */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { CountingCloud } from "../support/countingCloud.js";
import { fullKey, least, type Refusal, type Settings } from "./support/cases.js";
import { invalid } from "./support/invalid.js";
import { Program, type Run } from "./support/program.js";
import { valid } from "./support/valid.js";

const all = process.env["COREKUBE_TEST_PREVIEWS"] === "all";
/** A sample: what only the engine refuses, and the first row for each setting that is refused, up to `samples`. */
const samples = 25;
const settingOf = ({ paths }: Refusal): string => /^[a-z_:]+/i.exec(paths[0]!)![0];
const perSetting = [...new Map([...invalid].reverse().map((row) => [settingOf(row), row])).values()];
const step = Math.ceil(perSetting.length / samples);
const refused = invalid.filter((row) => all || row.byEngine || perSetting.indexOf(row) % step === 0);
/** Thousands of machines are previewed elsewhere, where their time is measured; and on AWS a preview asks for zones and image, which a cloud that only counts cannot answer. */
const acceptable = valid.filter((settings) => settings["cloud"] !== "aws" && Number(settings["node_count"] ?? 1) <= 20);
const accepted = acceptable.filter((_, index) => all || index % Math.ceil(acceptable.length / 6) === 0);

const flat = (text: string): string => text.replace(/\s+/g, " ");

describe("pulumi preview", function () {
  this.timeout(60_000);
  const cloud = new CountingCloud();
  const stacks = Array.from({ length: availableParallelism() }, (_, index) => `stack-${index}`);
  const runs = new Map<Settings, Run>();
  let program: Program;

  /** Runs previews on as many stacks as there are cores, since a stack takes one run at a time. */
  async function previewAll(rows: readonly Settings[]): Promise<void> {
    const waiting = [...rows];
    await Promise.all(
      stacks.map(async (stack) => {
        for (let settings = waiting.shift(); settings; settings = waiting.shift()) {
          runs.set(settings, await program.withSettings(stack, { ...least, ...settings }, ["preview"]));
        }
      }),
    );
  }

  before(async function () {
    this.timeout(600_000);
    program = new Program(await cloud.start());
    for (const stack of stacks) await program.makeStack(stack);
  });
  after(async () => {
    program.remove();
    await cloud.stop();
  });

  describe("refuses", () => {
    before(async function () {
      this.timeout(3_600_000);
      await previewAll(refused.map(({ settings }) => settings));
    });

    for (const row of refused) {
      it(JSON.stringify(row.settings).slice(0, 100), () => {
        const { code, output } = runs.get(row.settings)!;
        assert.notEqual(code, 0, output);
        for (const words of expected(row)) assert.ok(output.includes(flat(words)), `${words}\nis not in\n${output}`);
        assert.doesNotMatch(
          output,
          /digitalocean:index|aws:ec2|tls:index|corekube:cluster:/,
          "no resource was looked at",
        );
      });
    }

    it("without asking the cloud, and without a trace in the state", async () => {
      assert.deepEqual(cloud.requests, []);
      for (const stack of stacks) assert.deepEqual(await program.resources(stack), []);
    });
  });

  describe("accepts", () => {
    before(async function () {
      this.timeout(3_600_000);
      await previewAll(accepted);
    });

    for (const settings of accepted) {
      it(JSON.stringify(settings).slice(0, 100), () => {
        const { code, output } = runs.get(settings)!;
        assert.equal(code, 0, output);
        assert.match(output, /Resources: \+ \d+ to create/);
      });
    }

    it("without changing anything", async () => {
      assert.deepEqual(
        cloud.requests.filter((request) => !request.startsWith("GET ")),
        [],
      );
      for (const stack of stacks) assert.deepEqual(await program.resources(stack), []);
    });
  });
});

function expected({ settings, paths, remedy, byEngine }: Refusal): string[] {
  if (byEngine) return Object.keys(settings).map((name) => `configuration key 'corekube:${name}' must be of type`);
  return ["nothing was created or changed", ...paths.map((path) => `- ${fullKey(path)}: got `), remedy];
}
