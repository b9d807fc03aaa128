import assert from "node:assert/strict";
import { complaint } from "../../components/rollout/provider/controlPlanePeers.js";
import type { Machine } from "../../provider/ssh/machine.js";

const answering = (code: number, stdout: string, stderr: string): Machine =>
  ({ root: () => Promise.resolve({ code, stdout, stderr }) }) as unknown as Machine;

describe("what a machine complains of", () => {
  it("is what its health check says, whatever its login shell prints", async () => {
    const noise = "bash: warning: setlocale: LC_ALL: cannot change locale\n";
    assert.equal(await complaint(answering(1, "first\netcd is not ready\n", noise)), "etcd is not ready");
    assert.equal(await complaint(answering(127, "", noise)), noise.trim());
    assert.equal(await complaint(answering(1, "", "")), "its health check failed with exit code 1");
    assert.equal(await complaint(answering(0, "", noise)), undefined);
  });
});
