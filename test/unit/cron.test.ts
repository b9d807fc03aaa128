import assert from "node:assert/strict";
import { isCron } from "../../components/spec/cron.js";

describe("times of cron", () => {
  for (const text of [
    "0 3 * * *",
    "*/15 * * * *",
    "0-30/10 0,6,12 1-15 jan-jun MON-fri",
    "59 23 31 12 6",
    "5/20 * * * *",
    "@daily",
    "@hourly",
  ])
    it(`${text} is one`, () => assert.ok(isCron(text)));

  for (const text of [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "-1 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 0 *",
    "* * * * 7",
    "10-5 * * * *",
    "1-2-3 * * * *",
    "*/0 * * * *",
    "*/60 * * * *",
    "1, * * * *",
    "mon * * * *",
    "* * * * monday",
    "0  3 * * *",
    "@every 1h",
    "@Daily",
  ])
    it(`${JSON.stringify(text)} is none`, () => assert.ok(!isCron(text)));
});
