/**
 * Every row of the tables through `pulumi preview`: the real program, engine and provider, and a cloud that counts.
 *
 * COREKUBE_TEST_PREVIEWS=3 runs every third row of each table.
 */
import assert from "node:assert/strict";
import { availableParallelism, loadavg } from "node:os";
import { CountingCloud } from "./support/cloud.js";
import { fullKey, least, type Refusal, type Settings } from "./support/cases.js";
import { invalid } from "./support/invalid.js";
import { Program, type Run } from "./support/program.js";
import { valid } from "./support/valid.js";

const every = Number(process.env["COREKUBE_TEST_PREVIEWS"] ?? 1);
const refused = invalid.filter((_, index) => index % every === 0);
/** Thousands of machines are previewed elsewhere, where their time is measured; and on AWS a preview asks for zones and image, which a cloud that only counts cannot answer. */
const accepted = valid
  .filter((settings) => settings["cloud"] !== "aws" && Number(settings["node_count"] ?? 1) <= 20)
  .filter((_, index) => index % every === 0);

/** Seconds that a refusal may take on an idle machine. */
const limit = 10;

const flat = (text: string): string => text.replace(/\s+/g, " ");

describe("pulumi preview", function () {
  this.timeout(60_000);
  const cloud = new CountingCloud();
  const stacks = Array.from({ length: availableParallelism() }, (_, index) => `stack-${index}`);
  const runs = new Map<Settings, Run & { readonly slower: number }>();
  let program: Program;

  /** Runs previews on as many stacks as there are cores, since a stack takes one run at a time. */
  async function previewAll(all: readonly Settings[]): Promise<void> {
    const waiting = [...all];
    await Promise.all(
      stacks.map(async (stack) => {
        for (let settings = waiting.shift(); settings; settings = waiting.shift()) {
          // On a machine that is busy with others, everything takes longer in proportion.
          const before = loadavg()[0]!;
          const run = await program.withSettings(stack, { ...least, ...settings }, ["preview"]);
          runs.set(settings, { ...run, slower: Math.max(1, before / stacks.length, loadavg()[0]! / stacks.length) });
        }
      }),
    );
  }

  const times = (all: readonly Settings[]): string => {
    const seconds = all.map((settings) => runs.get(settings)!.seconds).sort((a, b) => a - b);
    const total = seconds.reduce((sum, value) => sum + value, 0);
    return `${all.length} previews, ${stacks.length} at a time: median ${seconds[Math.floor(seconds.length / 2)]!.toFixed(1)} s, slowest ${seconds.at(-1)!.toFixed(1)} s, ${Math.round(total / stacks.length)} s in all, load ${loadavg()[0]!.toFixed(1)}`;
  };

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
      process.stdout.write(`    ${times(refused.map(({ settings }) => settings))}\n`);
    });

    for (const row of refused) {
      it(JSON.stringify(row.settings).slice(0, 100), () => {
        const { code, output, seconds, slower } = runs.get(row.settings)!;
        assert.notEqual(code, 0, output);
        for (const words of expected(row)) assert.ok(output.includes(flat(words)), `${words}\nis not in\n${output}`);
        assert.doesNotMatch(
          output,
          /digitalocean:index|aws:ec2|tls:index|corekube:cluster:/,
          "no resource was looked at",
        );
        assert.ok(seconds < limit * slower, `${seconds} s at ${slower} times the usual load`);
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
      process.stdout.write(`    ${times(accepted)}\n`);
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
