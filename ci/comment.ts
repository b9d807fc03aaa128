/** `ci/comment`: one comment per stack on the pull or merge request, made once and updated from then on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, outputDirectory, Problem, readOptions, say, stackOf, start, wholeNumber } from "./lib/command.js";
import { forgeOf } from "./lib/forge.js";
import { shorten } from "./lib/markdown.js";
import { withoutSecrets } from "../engine/secrets.js";

const help = `
ci/comment: put the preview on the pull request (GitHub) or merge request (GitLab)

  ci/comment [--stack NAME] [--file FILE] [--number N]

  --stack NAME   the stack (default: variable PULUMI_STACK); each stack has a comment of its own
  --file FILE    the Markdown (default: ${outputDirectory}/preview.md)
  --number N     number of the pull or merge request (default: that of the pipeline)

The token comes from the variable GITHUB_TOKEN (permission "pull-requests: write") or GITLAB_TOKEN (scope api), nowhere else.
The comment that this token's owner wrote before is updated; comments of others are left alone.

Exit codes: 0 done, 1 failed
`;

start("comment", async () => {
  const options = readOptions(help, {
    stack: { type: "string", short: "s" },
    file: { type: "string", default: join(outputDirectory, "preview.md") },
    number: { type: "string" },
  });
  const stack = stackOf(options.stack);
  let markdown: string;
  try {
    markdown = readFileSync(options.file, "utf8");
  } catch {
    throw new Problem(`${options.file}: cannot be read; make it with "ci/preview --stack ${stack}", or give --file`);
  }
  const forge = forgeOf(
    process.env,
    options.number === undefined ? undefined : wholeNumber("--number", options.number, 1, 2 ** 31),
  );
  const mark = `<!-- corekube preview of stack ${stack.replace(/[^\w./-]/g, "_")} -->`;
  const body = `${mark}\n${shorten(withoutSecrets(markdown))}`;
  const known = (await forge.comments()).find((comment) => comment.body.startsWith(mark));
  if (known === undefined) await forge.createComment(body);
  else await forge.updateComment(known.id, body);
  say(`${forge.name}: comment ${known === undefined ? "made" : "updated"}`);
  return exitCodes.done;
});
