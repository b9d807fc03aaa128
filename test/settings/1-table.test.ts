/** Every row of the tables, on the settings' own code. */
import assert from "node:assert/strict";
import { clusterSpec } from "../../infra/config.js";
import { SettingsError } from "../../infra/settings/settingsError.js";
import { configuration, fullKey, least, type Settings } from "./support/cases.js";
import { invalid } from "./support/invalid.js";
import { follow, isOpen } from "./support/remedies.js";
import { valid } from "./support/valid.js";

describe("settings that are refused", () => {
  it("are 120 at least, each once", () => {
    assert.ok(invalid.length >= 120, String(invalid.length));
    assert.equal(new Set(invalid.map(({ settings }) => JSON.stringify(settings))).size, invalid.length);
  });

  for (const { settings, paths, remedy } of invalid) {
    it(JSON.stringify(settings).slice(0, 100), () => {
      try {
        clusterSpec(configuration(settings));
      } catch (error) {
        assert.ok(error instanceof SettingsError, error instanceof Error ? error.stack : String(error));
        const { message } = error;
        assert.deepEqual([...new Set(error.problems.map(({ path }) => path))].sort(), [...paths].sort(), message);
        for (const path of paths) assert.ok(message.includes(`  - ${fullKey(path)}: got `), message);
        assert.ok(message.includes(remedy), `${remedy}\nis not in\n${message}`);
        // Every line ends with something to do.
        for (const line of message.split("\n").slice(1)) assert.match(line, /pulumi config (set|rm) /, line);
        return;
      }
      assert.fail("accepted");
    });
  }
});

describe("the commands of an error", () => {
  const problemsOf = (settings: Settings) => {
    try {
      clusterSpec(configuration(settings));
      return [];
    } catch (error) {
      assert.ok(error instanceof SettingsError, error instanceof Error ? error.stack : String(error));
      return error.problems;
    }
  };

  for (const { settings } of invalid) {
    it(`lead on: ${JSON.stringify(settings).slice(0, 90)}`, () => {
      let now: Settings = settings;
      let open = problemsOf(now);
      const tried: string[] = [];
      for (let closed = open.find(({ fix }) => !isOpen(fix)); closed; closed = open.find(({ fix }) => !isOpen(fix))) {
        tried.push(closed.fix!);
        assert.ok(tried.length < 60, `in a circle: ${tried.slice(-5).join("; ")}`);
        now = follow(now, closed.fix!);
        open = problemsOf(now);
      }
      // What is left had no command of its own at the start either.
      const before = problemsOf(settings).filter(({ fix }) => isOpen(fix));
      assert.deepEqual(
        open.filter(({ path }) => !before.some((each) => each.path === path)),
        [],
      );
    });
  }
});

describe("settings that are accepted", () => {
  it("are 40 at least, each once", () => {
    assert.ok(valid.length >= 40, String(valid.length));
    assert.equal(new Set(valid.map((settings) => JSON.stringify(settings))).size, valid.length);
  });

  for (const settings of valid) {
    it(JSON.stringify(settings).slice(0, 100), () => {
      assert.equal(clusterSpec(configuration(settings)).region, settings["region"] ?? least["region"]);
    });
  }
});

describe("a secret in plain settings", () => {
  const secrets: readonly (readonly [string, Record<string, unknown>, string])[] = [
    [
      "a private key",
      {
        ssh_public_keys: [
          "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
        ],
      },
      "b3BlbnNz",
    ],
    ["a token of the cloud under an unknown key", { token: `dop_v1_${"0a".repeat(32)}` }, "0a0a0a"],
    ["a token as the name of a tag", { tags: { [`dop_v1_${"0b".repeat(32)}`]: "x y" } }, "0b0b0b"],
    ["a password in a proxy's address", { https_proxy: "http://ada:hunter2@proxy.example" }, "hunter2"],
    ["a password in a mirror's address", { mirrors: { releases: "http://ada:hunter2@mirror.example" } }, "hunter2"],
    ["an access key of AWS", { tags: { key: "AKIAIOSFODNN7EXAMPLE" } }, "IOSFODNN7"],
  ];
  for (const [what, settings, secret] of secrets) {
    it(`is refused and not repeated: ${what}`, () => {
      assert.throws(
        () => clusterSpec(configuration(settings)),
        (error: unknown) =>
          error instanceof SettingsError &&
          !error.message.includes(secret) &&
          /not shown|looks like/.test(error.message),
      );
    });
  }
});
