/** A refresh of many machines that do not answer ends, and one of a few that do not loses no other. */
import assert from "node:assert/strict";
import { limits } from "../../provider/operation/limits.js";
import { Patience } from "../../provider/operation/patience.js";

describe("patience of a refresh", () => {
  const times = (count: number, patience: Patience): void => {
    for (let time = 0; time < count; time++) patience.unanswered();
  };

  it("ends after several in a row without an answer, and comes back with an answer", () => {
    const patience = new Patience();
    times(9, patience);
    assert.equal(patience.seconds, limits.read);
    patience.answered();
    times(9, patience);
    assert.equal(patience.seconds, limits.read);
    times(1, patience);
    assert.equal(patience.seconds, limits.readNext);
    patience.answered();
    assert.equal(patience.seconds, limits.read);
  });

  it("lets 1,000 workers be asked, 8 at a time, in less than 5 minutes when none answers", () => {
    const patience = new Patience();
    let seconds = 0;
    for (let asked = 0; asked < 1_000; asked += 8) {
      seconds += patience.seconds;
      times(8, patience);
    }
    assert.ok(seconds < 300, String(seconds));
  });
});
