/** Whether a run is under way, by what each kind of backend says. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { activityOf } from "../../cli/activity.js";
import type { Run, Stack } from "../../cli/stack.js";
import type { StackState } from "../../cli/state.js";

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 1, 12, minute));
const run = (result: string, ended?: Date): Run => ({ kind: "update", result, began: at(0), ended });
const state = (written: Date | undefined, pending = 0): StackState => ({
  written,
  resources: [],
  pending: Array.from({ length: pending }, () => ({ type: "creating", resource: { urn: "u", type: "t" } })),
});

describe("a run of somebody else", () => {
  const root = mkdtempSync(path.join(tmpdir(), "corekube-locks-"));
  const locks = path.join(root, ".pulumi", "locks", "organization", "corekube", "prod");
  after(() => rmSync(root, { recursive: true }));

  const stack = (backend: string, last?: Run): Stack =>
    ({
      history: async () => (last === undefined ? [] : [last]),
      backend: async () => backend,
      project: () => "corekube",
      name: async () => "prod",
    }) as unknown as Stack;
  const files = `file://${root}`;

  interface Case {
    readonly what: string;
    readonly backend: string;
    readonly last?: Run;
    readonly state: StackState;
    /** Of the process and host that hold a lock. */
    readonly lock?: { readonly pid: number; readonly hostname: string };
    readonly active: boolean;
    readonly since?: Date | undefined;
    readonly text: RegExp;
  }
  /** Longer than any process id. */
  const dead = 2 ** 30;
  const bucket = "s3://states";
  const cases: readonly Case[] = [
    {
      what: "Pulumi Cloud: in its history",
      backend: "https://app.pulumi.com",
      last: run("in-progress"),
      state: state(at(1)),
      active: true,
      since: at(0),
      text: /\(update\) is under way/,
    },
    {
      what: "files: a lock of a process that lives",
      backend: files,
      last: run("succeeded", at(1)),
      state: state(at(1)),
      lock: { pid: process.pid, hostname: hostname() },
      active: true,
      since: at(5),
      text: /^a run of me@/,
    },
    {
      what: "files: a lock from another computer",
      backend: files,
      state: state(undefined),
      lock: { pid: dead, hostname: "elsewhere" },
      active: true,
      since: at(5),
      text: /@elsewhere is under way/,
    },
    {
      what: "files: a lock of a process that was killed",
      backend: files,
      state: state(at(9), 1),
      lock: { pid: dead, hostname: hostname() },
      active: false,
      since: at(5),
      text: /killed\. Run: pulumi cancel && pulumi refresh$/,
    },
    {
      what: "files: no lock",
      backend: files,
      last: run("failed", at(1)),
      state: state(at(9)),
      active: false,
      since: at(0),
      text: /^last run: update, failed, ended 2026-11-01T12:01:00Z$/,
    },
    {
      what: "files: no lock, and operations that have begun",
      backend: files,
      last: run("failed", at(1)),
      state: state(at(1), 1),
      active: false,
      since: at(0),
      text: /it was killed\. Run: pulumi refresh$/,
    },
    {
      what: "files: nothing yet",
      backend: files,
      state: state(undefined),
      active: false,
      since: undefined,
      text: /^no run yet$/,
    },
    {
      what: "bucket: the state was written after the last run",
      backend: bucket,
      last: run("succeeded", at(1)),
      state: state(at(2)),
      active: true,
      since: at(1),
      text: /under way, or was killed/,
    },
    {
      what: "bucket: the state was written while the last run ended",
      backend: bucket,
      last: run("succeeded", at(1)),
      state: state(new Date(at(1).getTime() + 2000)),
      active: false,
      since: at(0),
      text: /^last run: update, succeeded/,
    },
    {
      what: "bucket: operations have begun",
      backend: bucket,
      last: run("succeeded", at(1)),
      state: state(at(1), 1),
      active: true,
      since: at(1),
      text: /under way/,
    },
  ];
  for (const { what, backend, last, state: given, lock, active, since, text } of cases)
    it(`is known from ${what}`, async () => {
      rmSync(locks, { recursive: true, force: true });
      if (lock !== undefined) {
        mkdirSync(locks, { recursive: true });
        writeFileSync(
          path.join(locks, "1.json"),
          JSON.stringify({ ...lock, username: "me", timestamp: at(5).toISOString() }),
        );
        writeFileSync(path.join(locks, "2.json"), "{");
      }
      const found = await activityOf(stack(backend, last), given);
      assert.deepEqual([found.active, found.since], [active, since]);
      assert.match(found.text, text);
    });
});
