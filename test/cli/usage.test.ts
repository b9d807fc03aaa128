/** The command line: help, examples, exit codes, refusals. */
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import type { Command } from "commander";
import { createProgram } from "../../cli/program.js";
import { corekube } from "./support.js";

/** Every command that does something, by its words. */
function commands(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  return command.commands.length === 0
    ? [words]
    : command.commands.flatMap((each) => commands(each, [...words, each.name()]));
}

const all = commands(createProgram(() => undefined));

describe("corekube, its command line", function () {
  this.timeout(60_000);

  it("helps with every command: an example of it, and the exit codes", async () => {
    for (const words of [[], ...all]) {
      const { code, stdout, stderr } = await corekube([...words, "--help"]);
      assert.equal(code, 0, stderr);
      const name = ["corekube", ...words].join(" ");
      assert.match(stdout, new RegExp(`Usage: ${name}`));
      assert.match(stdout, new RegExp(`\\n  ${name}.*`), "an example");
      assert.match(stdout, /Exit codes: 0 .*, 1 .*, 2 /);
    }
  });

  it("has a version", async () => {
    const { code, stdout } = await corekube(["--version"]);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+$/m);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^corekube: got no command; allowed: .*kubeconfig.*\. Run: corekube --help$/m],
    [["kubeconfg"], /^corekube: got "kubeconfg"; allowed: .*kubeconfig.*\. Run: corekube --help$/m],
    [["--stak"], /^corekube: got option --stak; allowed: --version, --help\. Run: corekube --help$/m],
    [["kubeconfig", "--fil"], /^corekube kubeconfig: got option --fil; allowed: .*--file/],
    [["kubeconfig", "--file"], /argument missing/],
    [["kubeconfig", "prod"], /^corekube kubeconfig: got too many arguments; allowed: \[options\]/],
    [["kubeconfig", "--stdout", "--remove"], /'--stdout' cannot be used with option '--remove'/],
    [["kubeconfig", "--cwd", tmpdir()], /^--cwd: got .*; allowed: a folder with Pulumi.yaml\. Run: /],
  ];
  for (const [args, message] of wrong)
    it(`refuses "corekube ${args.join(" ")}" with exit code 2`, async () => {
      const { code, stdout, stderr } = await corekube(args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });

  it("says what to do where pulumi is missing, without a stack trace", async () => {
    const { code, stderr } = await corekube(["kubeconfig"], { PATH: "/usr/bin:/bin", HOME: tmpdir() });
    assert.equal(code, 1);
    assert.match(stderr, /^pulumi: got no such program on PATH; .* Install it: https/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
});
