/** `ci/preview`: previews the stack and writes the changes as Markdown and as a record for `ci/up`. */
import { join } from "node:path";
import { exitCodes, outputDirectory, readOptions, say, showOnRun, stackOf, start, writeOutput } from "./lib/command.js";
import { policyArguments } from "./lib/engine.js";
import { takePreview } from "./lib/record.js";
import { counts } from "./lib/summary.js";

const help = `
ci/preview: preview the stack with the policy pack, and write what would change

  ci/preview [--stack NAME] [--out FOLDER]

  --stack NAME   the stack (default: variable PULUMI_STACK)
  --out FOLDER   where preview.md (for people) and preview.json (for ci/up) go (default: ${outputDirectory})

Nothing is changed. Neither file holds a secret. With the folder policies/ in the checkout, its policy pack is applied.
Needs what "pulumi preview" needs: the backend's address and its credentials, the passphrase or the key service of the
secrets provider, and read access to the cloud (docs/pipelines.md).

Exit codes: 0 the preview was made (changes or not), 1 it failed or a mandatory policy is violated (see preview.md)
`;

start("preview", async () => {
  const options = readOptions(help, {
    stack: { type: "string", short: "s" },
    out: { type: "string", default: outputDirectory },
  });
  const stack = stackOf(options.stack);
  const { plan, record, summary, failed, remedy } = await takePreview(stack, policyArguments());
  writeOutput(join(options.out, "preview.md"), summary);
  writeOutput(join(options.out, "preview.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  showOnRun(summary);
  process.stdout.write(summary);
  say(`${failed ? "failed" : counts(plan)}; written to ${options.out}/preview.md and preview.json${remedy}`);
  return failed ? exitCodes.failed : exitCodes.done;
});
