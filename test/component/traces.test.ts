import assert from "node:assert/strict";
import { withoutTraces } from "../../components/machine/traces.js";
import { runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

describe("stack traces", function () {
  this.timeout(runTimeout);
  const traces = (text: string | undefined): number => (text ?? "").split("\n").length - 1;

  it("are off for what is registered without, and on after it, also when it fails", () => {
    assert.equal(traces(withoutTraces(() => new Error("x").stack)), 0);
    assert.throws(
      () =>
        withoutTraces(() => {
          throw new Error("names what is wrong");
        }),
      /names what is wrong/,
    );
    assert.ok(traces(new Error("x").stack) > 1);
  });

  it("are kept with no output of a worker, and with those of the others", async () => {
    const limits = new Map<string, number>();
    const original = Object.getOwnPropertyDescriptor(Object, "defineProperty")!.value as typeof Object.defineProperty;
    // The SDK puts them on its promises, with a context that names the resource.
    const seen = new WeakMap<object, string>();
    Object.defineProperty = (<T extends object>(
      target: T,
      key: PropertyKey,
      descriptor: PropertyDescriptor & ThisType<unknown>,
    ): T => {
      if (key === "_debugCtx") seen.set(target, String(descriptor.value));
      const name =
        key === "_debugStackTrace"
          ? /^transferProperty\(resource:([\w-]+)\[digitalocean:index\/droplet/.exec(seen.get(target) ?? "")?.[1]
          : undefined;
      if (name !== undefined) limits.set(name, Math.max(limits.get(name) ?? 0, traces(String(descriptor.value))));
      return original(target, key, descriptor);
    }) as typeof Object.defineProperty;
    try {
      await runProgram(testSpec({ name: "traces" }));
    } finally {
      Object.defineProperty = original;
    }
    assert.deepEqual([...limits.keys()].sort(), [
      "traces-controller-0",
      "traces-etcd-0",
      "traces-worker-0",
      "traces-worker-1",
    ]);
    assert.deepEqual(
      ["traces-worker-0", "traces-worker-1"].map((name) => limits.get(name)),
      [0, 0],
    );
    assert.ok((limits.get("traces-etcd-0") ?? 0) > 0);
  });
});
