/** Two stacks of the same settings in one account, on each cloud: what belongs to the first stays as it is, whatever becomes of the second. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineRun } from "../support/engine.js";
import { type Account, AwsAccount, DigitalOceanAccount, type Holdings } from "./account.js";
import { AccountStack } from "./stack.js";

interface Case {
  readonly name: string;
  readonly start: (folder: string) => Promise<Account>;
  /** What the cloud says when no more machines may be made. */
  readonly full: RegExp;
  /** Refusals of a second stack, in this order, with the value for the command that each names, where it leaves one open. */
  readonly refusals: readonly { readonly words: RegExp; readonly value?: string }[];
}

const cases: readonly Case[] = [
  {
    name: "DigitalOcean",
    start: (folder) => DigitalOceanAccount.start(folder),
    full: /will exceed your droplet limit/,
    refusals: [
      {
        words:
          /corekube:cluster_name: got kubernetes; allowed: a name that no other cluster of this account has, in any region: .*\. Set another: (pulumi config set cluster_name <name>)/,
        value: "second",
      },
      {
        words:
          /corekube:node_cidr: got 10\.4\.0\.0\/20; allowed: a network that overlaps with no other VPC of this account, in any region: kubernetes in fra1 has 10\.4\.0\.0\/20\. Set another: (pulumi config set node_cidr [0-9./]+)/,
      },
    ],
  },
  {
    name: "AWS",
    start: () => AwsAccount.start(),
    full: /VcpuLimitExceeded/,
    refusals: [
      {
        words:
          /corekube:cluster_name: got kubernetes; allowed: a name that no other cluster of this account has in eu-central-1: .*\. Set another: (pulumi config set cluster_name <name>)/,
        value: "second",
      },
    ],
  },
];

/** Lists without the order of their things, which is the cloud's own affair. */
const sorted = (holdings: Holdings): Record<string, readonly string[]> =>
  Object.fromEntries(
    Object.entries(holdings).map(([kind, things]) => [kind, things.map((thing) => JSON.stringify(thing)).sort()]),
  );

/** Everything that was there is there, unchanged. */
function assertHolds(now: Holdings, before: Holdings): void {
  const there = sorted(now);
  const gone = Object.entries(sorted(before)).flatMap(([kind, things]) =>
    things.filter((thing) => there[kind]?.includes(thing) !== true).map((thing) => `${kind}: ${thing}`),
  );
  assert.deepEqual(gone, []);
}

function assertDone({ code, output }: EngineRun): void {
  assert.equal(code, 0, output);
}

const count = (holdings: Holdings): number => Object.values(holdings).flat().length;

for (const { name, start, full, refusals } of cases) {
  describe(`two stacks in one account of ${name}`, function () {
    // A run takes ten seconds on an idle machine, and minutes on one that is busy.
    this.timeout(600_000);
    const folder = mkdtempSync(join(tmpdir(), "corekube-account-"));
    let account: Account;
    let first: AccountStack;
    let second: AccountStack;
    let alone: Holdings;

    before(async () => {
      account = await start(folder);
      [first, second] = [new AccountStack(account), new AccountStack(account)];
      await first.create();
      await second.create();
      assertDone(await first.up());
      alone = await account.holdings();
    });

    after(async () => {
      for (const stack of [first, second]) stack.remove();
      await account.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it("the second is refused before anything is made, with the command that leads on, and its destroy removes nothing", async () => {
      assert.notEqual((await second.up()).code, 0);
      assert.deepEqual(sorted(await account.holdings()), sorted(alone));
      assertDone(await second.destroy());
      assert.deepEqual(sorted(await account.holdings()), sorted(alone));
      // Each command alone leads to the next run: nothing has to be destroyed between.
      for (const { words, value = "" } of refusals) {
        const { code, output } = await second.up();
        assert.notEqual(code, 0);
        const [, command = ""] = words.exec(output.replaceAll(/\s+/g, " ")) ?? assert.fail(output);
        assert.deepEqual(sorted(await account.holdings()), sorted(alone));
        await second.type(command.replace(/<\w+>/, value));
      }
    });

    it("with what the refusals ask for, the second fails half-way for a reason of its own, and leaves the first as it was", async () => {
      await account.allowMore(2);
      const { code, output } = await second.up();
      account.allowAll();
      assert.notEqual(code, 0);
      assert.match(output, full);
      const now = await account.holdings();
      assert.ok(count(now) > count(alone), "something was made");
      assertHolds(now, alone);
      assertDone(await second.destroy());
      assert.deepEqual(sorted(await account.holdings()), sorted(alone));
    });

    it("the second lives beside the first, and its destroy leaves the first as it was", async () => {
      assertDone(await second.up());
      const both = await account.holdings();
      assertHolds(both, alone);
      assert.ok(count(both) > 1.5 * count(alone), "a second cluster");
      assertDone(await second.destroy());
      assert.deepEqual(sorted(await account.holdings()), sorted(alone));
      assertDone(await first.unchanged());
    });
  });
}
