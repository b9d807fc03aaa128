/** What metrics-server answers. */
import { until } from "../process/until.js";
import { settingOf } from "../engine/settings.js";
import { expect, type Check } from "../cluster/context.js";

/** It has figures of a node once it has asked twice, 15 s apart. */
const figuresMilliseconds = 60_000;

export const metricsChecks: readonly Check[] = [
  {
    name: "kubectl top nodes answers for every node",
    level: "full",
    applies: ({ config, stack }) => {
      const addons = settingOf(config, stack, "corekube:addons") as
        { readonly metrics_server?: { readonly enabled?: unknown } } | undefined;
      return addons?.metrics_server?.enabled !== false;
    },
    run: (context) =>
      until("kubectl top nodes", { timeout: figuresMilliseconds }, async () => {
        const lines = (await context.kubectl(["top", "nodes", "--no-headers"])).trim().split("\n");
        for (const { name } of context.nodes()) {
          const line = lines.find((each) => each.startsWith(`${name} `)) ?? "nothing";
          const [, cpu, , memory] = line.split(/\s+/);
          expect(
            /^\d+m$/.test(cpu ?? "") && /^[1-9]\d*Mi$/.test(memory ?? ""),
            `${name}: expected CPUs and memory, got: ${line}`,
          );
        }
      }),
  },
];
