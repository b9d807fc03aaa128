/** The CIS benchmark as a check. */
import { collect } from "../cis/facts.js";
import { walk } from "../cis/index.js";
import { expect, type Check } from "../cluster/context.js";

export const cisChecks: readonly Check[] = [
  {
    name: "every control of the CIS benchmark passes or has a written reason",
    level: "full",
    run: async (context) => {
      const failed = walk(await collect(context)).filter(({ result }) => result === "FAIL");
      expect(failed.length === 0, failed.map(({ id, title, reason }) => `${id} ${title}: ${reason}`).join("\n"));
    },
  },
];
