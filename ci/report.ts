/** `ci/report`: one open issue per stack for what `ci/drift` found; closed when nothing is found any more. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, outputDirectory, Problem, readOptions, say, start } from "./lib/command.js";
import { readDriftRecord } from "./lib/driftReport.js";
import { forgeOf } from "./lib/forge.js";
import { shorten } from "./lib/markdown.js";
import { withoutSecrets } from "../engine/secrets.js";

const help = `
ci/report: keep an issue about what ci/drift found

  ci/report [--from FOLDER] [--label NAME]

  --from FOLDER   where ci/drift wrote drift.md and drift.json (default: ${outputDirectory})
  --label NAME    label of the issue (default: drift)

Found or failed: opens an issue, or updates the open one. Clean: closes the open one. The stack is the record's.
The token comes from the variable GITHUB_TOKEN (permission "issues: write") or GITLAB_TOKEN (scope api), nowhere else.

Exit codes: 0 done, 1 failed
`;

start("report", async () => {
  const options = readOptions(help, {
    from: { type: "string", default: outputDirectory },
    label: { type: "string", default: "drift" },
  });
  const record = readDriftRecord(join(options.from, "drift.json"));
  let markdown: string;
  try {
    markdown = readFileSync(join(options.from, "drift.md"), "utf8");
  } catch {
    throw new Problem(
      `${join(options.from, "drift.md")}: cannot be read; make it with "ci/drift --stack ${record.stack}"`,
    );
  }
  const forge = forgeOf();
  const mark = `<!-- corekube drift of stack ${record.stack.replace(/[^\w./-]/g, "_")} -->`;
  const known = (await forge.issues(options.label)).find((issue) => issue.body.startsWith(mark));
  const title =
    record.result === "failed"
      ? `Drift check of stack ${record.stack} fails`
      : `Drift or ending certificates in stack ${record.stack}`;
  const body = `${mark}\n${shorten(withoutSecrets(markdown))}`;
  if (record.result === "clean") {
    if (known !== undefined) await forge.closeIssue(known.id);
    say(`${forge.name}: clean; ${known === undefined ? "no issue was open" : `issue ${known.id} closed`}`);
  } else if (known === undefined) {
    await forge.createIssue(title, body, options.label);
    say(`${forge.name}: issue opened`);
  } else {
    await forge.updateIssue(known.id, title, body);
    say(`${forge.name}: issue ${known.id} updated`);
  }
  return exitCodes.done;
});
