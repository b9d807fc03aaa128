/** Searches state, settings, user-data, logs, journals and processes for private keys and join tokens. */
import { join } from "node:path";
import { pulumi } from "../engine/stack.js";
import { stackDirectory } from "../engine/settings.js";
import { expect, type Check } from "../cluster/context.js";
import { commandLines, findSecrets, scanFiles, unpackUserData } from "./secrets.js";

interface Export {
  readonly deployment: {
    readonly resources?: readonly { readonly urn: string; readonly inputs?: Readonly<Record<string, unknown>> }[];
  };
}

export const leakChecks: readonly Check[] = [
  {
    name: "the exported state holds no private key and no token in plain text",
    level: "full",
    run: async (context) => {
      const text = await pulumi(context.config, ["stack", "export", "--stack", context.stack], {
        stack: context.stack,
      });
      const found = findSecrets(text);
      expect(found.length === 0, `pulumi stack export shows ${found.join(", ")}`);
    },
  },
  {
    name: "no user-data holds a private key or a token, packed contents included",
    level: "full",
    run: async (context) => {
      const text = await pulumi(context.config, ["stack", "export", "--stack", context.stack], {
        stack: context.stack,
      });
      let seen = 0;
      for (const resource of (JSON.parse(text) as Export).deployment.resources ?? []) {
        const userData = resource.inputs?.["userData"];
        if (typeof userData !== "string") continue;
        seen += 1;
        const found = findSecrets(unpackUserData(userData));
        expect(
          found.length === 0,
          `user-data of ${resource.urn.split("::").at(-1) ?? resource.urn} holds ${found.join(", ")}`,
        );
      }
      expect(
        seen >= context.outputs.machines.length,
        `found user-data of ${seen} machines, expected ${context.outputs.machines.length}`,
      );
    },
  },
  {
    name: "no command line of a process holds a private key or a token",
    level: "full",
    run: () => {
      const problems = commandLines().flatMap(({ pid, text }) =>
        findSecrets(text).map((what) => `process ${pid} (${text.split(" ")[0] ?? ""}): ${what}`),
      );
      expect(problems.length === 0, problems.join("; "));
      return Promise.resolve();
    },
  },
  {
    name: "no log file of the lab, no state file and no journal of a machine holds a private key or a token",
    level: "full",
    run: async (context) => {
      const { directory } = context.config;
      const problems = scanFiles([
        join(directory, "logs"),
        join(directory, "state"),
        join(directory, "api.json"),
        stackDirectory(context.config),
      ]);
      for (const machine of context.outputs.machines) {
        const journal = await context.inMachine(
          machine,
          "journalctl --no-pager -o cat; cat /var/log/pods/*/*/*.log 2>/dev/null || true",
          120_000,
        );
        expect(journal.length > 1000, `${machine.name}: the journal is empty, so there is nothing to check`);
        problems.push(...findSecrets(journal).map((what) => `journal of ${machine.name}: ${what}`));
      }
      expect(problems.length === 0, problems.join("; "));
    },
  },
];
