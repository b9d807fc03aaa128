import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import {
  carryOver,
  checkStack,
  moveToRegion,
  settingsFile,
  stackAddons,
  stackName,
  stackRelease,
  writeSettings,
} from "../../../lab/engine/settings.js";
import { newestVersion } from "../../../components/spec/versions.js";
import { labConfig } from "../../../lab/config.js";

describe("settings of the lab's stack", () => {
  describe("moving to another region", () => {
    const test = labConfig({ COREKUBE_LAB: "test", COREKUBE_LAB_DIR: "/var/tmp/region" });

    it("exchanges addresses and folder at any depth", () => {
      const moved = moveToRegion(
        { a: ["198.18.1.1/32"], b: { url: "http://198.18.16.1:8080" }, c: ".lab/lab/checksums.json", d: 3 },
        test,
      );
      assert.deepEqual(moved, {
        a: ["198.18.0.1/32"],
        b: { url: "http://198.18.32.1:8080" },
        c: "/var/tmp/region/checksums.json",
        d: 3,
      });
    });

    it("leaves addresses alone that only share a prefix with the gateway's", () => {
      assert.equal(moveToRegion("198.18.16.10", test), "198.18.16.10");
    });
  });

  describe("carrying over what changed in the project's file", () => {
    it("keeps what the user set in the copy alone", () => {
      assert.deepEqual(carryOver({ node_count: 3 }, { node_count: 2 }, { node_count: 2 }), { node_count: 3 });
    });

    it("takes a key that changed, one that is new, and drops one that is gone", () => {
      const now = { a: { x: 2 }, c: true };
      assert.deepEqual(carryOver({ a: { x: 1 }, b: 1, mine: 1 }, { a: { x: 1 }, b: 1 }, now), {
        a: { x: 2 },
        c: true,
        mine: 1,
      });
    });
  });

  it("ask for a release of Kubernetes: the user's, or the newest", () => {
    const directory = mkdtempSync(join(tmpdir(), "corekube-settings-"));
    try {
      const config = labConfig({ COREKUBE_LAB_DIR: directory });
      assert.equal(stackRelease(config, "dev"), newestVersion);
      const set = (version: string): void => {
        const text = readFileSync(settingsFile(config, "dev"), "utf8").replace(/\n.*kubernetes_version.*/, "");
        writeFileSync(settingsFile(config, "dev"), `${text.trim()}\n  corekube:kubernetes_version: ${version}\n`);
      };
      // What the user set in the region's copy stays; what an earlier run of the lab had set goes.
      writeSettings(config, "dev");
      set("1.36.1");
      assert.equal(stackRelease(config, "dev"), "1.36.1");
      writeSettings(config, "dev", { "corekube:kubernetes_version": "1.35.4" });
      assert.equal(stackRelease(config, "dev"), newestVersion);
      writeSettings(config, "dev");
      set("1.30.0");
      assert.throws(
        () => stackRelease(config, "dev"),
        /corekube:kubernetes_version: got "1\.30\.0", allowed are 1\.35\.4, /,
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("name the add-ons that are turned on: the mirror gets their images", () => {
    const directory = mkdtempSync(join(tmpdir(), "corekube-settings-"));
    try {
      const config = labConfig({ COREKUBE_LAB_DIR: directory });
      assert.deepEqual(stackAddons(config, "dev"), []);
      writeSettings(config, "dev", {
        "corekube:addons": { coredns: { replicas: 1 }, velero: { enabled: true }, other: { enabled: false } },
      });
      // Those that an earlier run of the lab had set go; the user's own stay.
      assert.deepEqual(stackAddons(config, "dev"), []);
      writeSettings(config, "dev");
      const text = readFileSync(settingsFile(config, "dev"), "utf8").trim();
      writeFileSync(
        settingsFile(config, "dev"),
        `${text}\n  corekube:addons:\n    velero:\n      enabled: true\n    other:\n      enabled: false\n`,
      );
      assert.deepEqual(stackAddons(config, "dev"), ["velero"]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("a region has one stack: it is found again, and another one is refused with the way out", () => {
    const directory = mkdtempSync(join(tmpdir(), "corekube-settings-"));
    try {
      const config = labConfig({ COREKUBE_LAB_DIR: directory });
      assert.equal(stackName(config, {}), "dev");
      assert.throws(() => checkStack(config, "nosuch"), /STACK: got "nosuch", allowed are .*dev.*ha/);
      checkStack(config, "ha");
      writeSettings(config, "ha");
      assert.equal(
        (parse(readFileSync(settingsFile(config, "ha"), "utf8")) as { config: Record<string, unknown> }).config[
          "corekube:high_availability"
        ],
        true,
      );
      assert.equal(stackName(config, {}), "ha");
      assert.throws(() => checkStack(config, "dev"), /region "lab" has stack "ha"; remove it with "make down"/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("the copy keeps the encryption salt and the user's own values when it is written again", () => {
    const directory = mkdtempSync(join(tmpdir(), "corekube-settings-"));
    try {
      const config = labConfig({ COREKUBE_LAB_DIR: directory });
      writeSettings(config, "dev");
      const file = settingsFile(config, "dev");
      const first = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
      writeFileSync(
        file,
        JSON.stringify({ encryptionsalt: "v1:salt", config: { ...first.config, "corekube:node_count": 7 } }),
      );
      writeSettings(config, "dev");
      const second = parse(readFileSync(file, "utf8")) as { encryptionsalt: string; config: Record<string, unknown> };
      assert.equal(second.encryptionsalt, "v1:salt");
      assert.equal(second.config["corekube:node_count"], 7);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
