import assert from "node:assert/strict";
import { debianPackages, ensurePackages, proxyPackages, type PackageSystem } from "../../lab/toolchain/packages.js";

const quiet = { report: () => undefined };

/** A Debian system in which `absent` are not installed; `fail` tells which calls of apt-get do not work. */
function system(
  absent: readonly string[],
  fail: (call: string, times: number) => boolean = () => false,
  userId = 0,
): PackageSystem & { calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    userId: () => userId,
    async run([command, ...args]) {
      if (command === "sh" && args[1]?.startsWith("systemctl")) calls.push(`off ${args.at(-1)}`);
      if (command === "sh") {
        return [...debianPackages, ...proxyPackages]
          .map(({ name }) => `${absent.includes(name) ? "not-installed" : "installed"} ${name}`)
          .join("\n");
      }
      const verb = args.find((arg) => arg === "install" || arg === "update") ?? "?";
      const call =
        verb === "install" ? `install ${args.slice(args.indexOf("--no-install-recommends") + 1).join(" ")}` : verb;
      calls.push(call);
      if (fail(verb, calls.filter((earlier) => earlier.startsWith(verb)).length))
        throw new Error(`E: ${verb} does not work`);
      return "";
    },
  };
}

describe("lab toolchain: Debian packages", () => {
  it("installs nothing when all are installed", async () => {
    const complete = system([]);
    assert.deepEqual(await ensurePackages(quiet, complete), []);
    assert.deepEqual(complete.calls, []);
  });

  it("installs only what is missing, without updating package lists first", async () => {
    const lacking = system(["haproxy", "gcc"]);
    assert.deepEqual(await ensurePackages(quiet, lacking), ["haproxy", "gcc"]);
    assert.deepEqual(lacking.calls, ["install haproxy gcc"]);
  });

  it("disables the service of a package that it has installed", async () => {
    const lacking = system(["squid"]);
    assert.deepEqual(await ensurePackages(quiet, lacking, proxyPackages), ["squid"]);
    assert.deepEqual(lacking.calls, ["install squid", "off squid"]);
    const complete = system([]);
    await ensurePackages(quiet, complete, proxyPackages);
    assert.deepEqual(complete.calls, []);
  });

  it("updates package lists when installing fails with the old ones", async () => {
    const outdated = system(["haproxy"], (verb, times) => verb === "install" && times === 1);
    assert.deepEqual(await ensurePackages(quiet, outdated), ["haproxy"]);
    assert.deepEqual(outdated.calls, ["install haproxy", "update", "install haproxy"]);
  });

  it("names the packages and the command when it cannot install them", async () => {
    const offline = system(["haproxy"], () => true);
    await assert.rejects(
      ensurePackages(quiet, offline),
      /haproxy.*apt-get update && apt-get install --no-install-recommends haproxy/s,
    );
  });

  it("installs nothing without root, and says what to run", async () => {
    const user = system(["nftables"], undefined, 1000);
    await assert.rejects(ensurePackages(quiet, user), /as root run: apt-get install --no-install-recommends nftables/);
    assert.deepEqual(user.calls, []);
  });
});
