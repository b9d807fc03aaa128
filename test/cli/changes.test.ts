/** What `update` makes of a file with options, and the timeline of a run. */
import assert from "node:assert/strict";
import { changeOf, differenceLines, readOptions } from "../../cli/options.js";
import { Problem } from "../../cli/problem.js";
import type { ConfigValue } from "../../cli/stack.js";
import { awayTogether, type Span, Timeline, timelineSvg, timelineText } from "../../engine/timeline.js";
import type { EngineEvent } from "../../engine/events.js";
import { urn } from "./support.js";

const config: Readonly<Record<string, ConfigValue>> = {
  "corekube:node_count": { value: "3", secret: false },
  "corekube:high_availability": { value: "true", secret: false },
  "corekube:http_proxy": { value: "", secret: false },
  "corekube:https_proxy": { secret: true },
  "corekube:etcd": { value: '{"count":3,"mem":512}', objectValue: { count: 3, mem: 512 }, secret: false },
  "corekube:tags": { value: "{}", objectValue: {}, secret: false },
  "corekube:admin_cidrs": { value: '["192.0.2.1/32"]', objectValue: ["192.0.2.1/32"], secret: false },
  "aws:region": { value: "eu-central-1", secret: false },
};

describe("options of an update", () => {
  const cases: readonly (readonly [string, string, readonly string[], object, readonly string[]])[] = [
    ["a number", "node_count: 4", ["~ node_count: 3 -> 4"], { "corekube:node_count": { value: "4" } }, []],
    [
      "JSON, and full keys",
      '{"corekube:node_count": 4}',
      ["~ node_count: 3 -> 4"],
      { "corekube:node_count": { value: "4" } },
      [],
    ],
    [
      "what is so already",
      "{node_count: 3, high_availability: true, http_proxy: '', admin_cidrs: [192.0.2.1/32], etcd: {mem: 512}}",
      [],
      {},
      [],
    ],
    [
      "a part of a map",
      "etcd: {mem: 1024, data_disk: 8192}",
      ["~ etcd.mem: 512 -> 1024", "+ etcd.data_disk: 8192"],
      {
        "corekube:etcd": {
          value: '{"count":3,"mem":1024,"data_disk":8192}',
          objectValue: { count: 3, mem: 1024, data_disk: 8192 },
        },
      },
      [],
    ],
    [
      "null, in a map",
      "etcd: {mem: null}",
      ["- etcd.mem: 512"],
      { "corekube:etcd": { value: '{"count":3}', objectValue: { count: 3 } } },
      [],
    ],
    ["null, of a setting", "node_count: null", ["- node_count: 3"], {}, ["corekube:node_count"]],
    [
      "a list, which replaces the one before",
      "admin_cidrs: [192.0.2.9/32]",
      ['~ admin_cidrs: ["192.0.2.1/32"] -> ["192.0.2.9/32"]'],
      { "corekube:admin_cidrs": { value: '["192.0.2.9/32"]', objectValue: ["192.0.2.9/32"] } },
      [],
    ],
  ];
  for (const [what, text, lines, set, remove] of cases)
    it(`are compared with the settings: ${what}`, () => {
      const change = changeOf(config, readOptions(text, "file"));
      assert.deepEqual([differenceLines(change.differences), change.set, change.remove], [lines, set, remove]);
    });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    [
      "a setting that there is not",
      "node_cont: 4",
      /^node_cont: got a setting that there is not; allowed: node_count, .*admin_cidrs\. Run: pulumi config/,
    ],
    ["one of another namespace", "{'aws:region': x}", /^aws:region: got a setting that there is not/],
    [
      "a secret setting",
      "https_proxy: x",
      /^https_proxy: got a value for a secret setting; .* Run: pulumi config set --secret https_proxy/,
    ],
    ["a password", "http_proxy: http://me:geheim@proxy", /^--options: got file: a user with a password; /],
    ["a list", "- node_count", /^--options: got file: no settings; allowed: YAML or JSON/],
    ["no YAML", "a: [geheim", /^--options: got file: it cannot be parsed; /],
  ];
  for (const [what, text, message] of refused)
    it(`are refused without quoting a secret: ${what}`, () =>
      assert.throws(
        () => changeOf(config, readOptions(text, "file")),
        (error: unknown) =>
          error instanceof Problem &&
          error.code === 2 &&
          message.test(error.message) &&
          !error.message.includes("geheim"),
      ));
});

const type = "corekube:machine:Delivery";

/** Events at seconds. */
function timelineOf(...events: readonly (readonly [number, string, string, string?])[]): Timeline {
  const timeline = new Timeline();
  for (const [at, op, name, kind = "resourcePreEvent"] of events) {
    const metadata = { op, type, urn: urn({ type, name }) };
    const event: EngineEvent =
      kind === "note"
        ? { diagnosticEvent: { urn: metadata.urn, severity: "info#err", message: op, ephemeral: true } }
        : { [kind]: { metadata } };
    timeline.event(event, 1_000_000 + at * 1000);
  }
  return timeline;
}
const done = "resOutputsEvent";

describe("the timeline of a run", () => {
  const run = timelineOf(
    [0, "same", "k-controller-0"],
    [1, "delete-replaced", "k-etcd-0"],
    [1.5, "waiting for <the others>", "k-etcd-0", "note"],
    [1.6, "waiting for <the others>", "k-etcd-0", "note"],
    [2, "delete-replaced", "k-etcd-0", done],
    [9, "create-replacement", "k-etcd-0"],
    [11, "create-replacement", "k-etcd-0", done],
    [11, "update", "k-worker-0"],
    [12, "update", "k-worker-1"],
    [14, "update", "k-worker-0", done],
    [14, "update", "k-worker-2"],
    [15, "update", "k-worker-1", "resOpFailedEvent"],
    [20, "same", "k-controller-0", done],
  );
  const data = run.data();

  it("has each machine from the beginning of its change until it served, both halves of a replacement together", () =>
    assert.deepEqual(
      data.spans.map(({ machine, what, from, to, failed }) => [machine, what, from / 1000, to / 1000, failed]),
      [
        ["k-etcd-0", "replaced", 1, 11, false],
        ["k-worker-0", "changed", 11, 14, false],
        ["k-worker-1", "changed", 12, 15, true],
        ["k-worker-2", "changed", 14, 20, true],
      ],
    ));

  it("knows how many of a role were away together, the end of one and the beginning of the next aside", () => {
    assert.deepEqual(
      [...awayTogether(data.spans)],
      [
        ["etcd", 1],
        ["worker", 2],
      ],
    );
    const made = data.spans.map((span): Span => ({ ...span, what: "made" }));
    assert.deepEqual([...awayTogether(made)], []);
  });

  it("is a text with a bar for each machine, and what it waited for", () => {
    const lines = timelineText(data).split("\n");
    assert.equal(lines[0], `k-etcd-0   ··${"█".repeat(20)}${"·".repeat(18)} replaced in 10 s, from 1 s on`);
    assert.equal(lines[1]?.trim(), "waiting for <the others>");
    assert.match(lines[3] ?? "", /^k-worker-1 .* changed in 3 s, from 12 s on, FAILED$/);
    assert.equal(lines.at(-1), "the run took 20 s; away together at most: etcd 1, worker 2");
    assert.equal(timelineText(timelineOf([0, "same", "k-etcd-0"]).data()), "no machine changed in 0 s");
  });

  it("is a picture of well-formed SVG, in which text of others is text", () => {
    const svg = timelineSvg(data, "update of <prod> & more");
    assert.ok(svg.includes("update of &lt;prod&gt; &amp; more"));
    assert.ok(svg.includes("waiting for &lt;the others&gt;"));
    assert.equal(svg.match(/<rect /g)?.length, 1 + data.spans.length);
    const open = [...svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)].reduce<string[]>((stack, [, close, name, alone]) => {
      if (close) assert.equal(stack.pop(), name);
      else if (!alone) stack.push(name!);
      return stack;
    }, []);
    assert.deepEqual(open, []);
  });
});
