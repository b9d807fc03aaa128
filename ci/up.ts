/** `ci/up`: applies exactly what was previewed and approved. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutSecrets } from "../engine/secrets.js";
import { Timeline, timelineSvg, timelineText } from "../engine/timeline.js";
import { exitCodes, outputDirectory, readOptions, say, showOnRun, stackOf, start, writeOutput } from "./lib/command.js";
import { policyArguments, runReported } from "./lib/engine.js";
import { block } from "./lib/markdown.js";
import { deviations, readRecord, takePreview } from "./lib/record.js";
import { counts } from "./lib/summary.js";

const help = `
ci/up: apply what was previewed

  ci/up [--stack NAME] [--preview FILE] [--out FOLDER] [--without-plan]

  --stack NAME     the stack (default: variable PULUMI_STACK)
  --preview FILE   the record that ci/preview wrote (default: ${outputDirectory}/preview.json)
  --out FOLDER     where timeline.txt and timeline.svg go: who was away when, after a run that failed too (default: ${outputDirectory})
  --without-plan   do not bind the engine to the plan (see below)

Previews again and refuses to run when the result differs from the record. Then the engine is bound to the plan of this second
preview ("pulumi up --plan", experimental in the engine): it stops when the program deviates from it.

Exit codes: 0 done, 1 failed, 3 refused: the preview now differs from the record; nothing was changed
`;

start("up", async () => {
  const options = readOptions(help, {
    stack: { type: "string", short: "s" },
    preview: { type: "string", default: join(outputDirectory, "preview.json") },
    out: { type: "string", default: outputDirectory },
    "without-plan": { type: "boolean", default: false },
  });
  const stack = stackOf(options.stack);
  const approved = readRecord(options.preview, stack);
  const policies = policyArguments();
  // The plan holds settings and, encrypted, secrets: only this user reads it, and it goes with the run.
  const folder = mkdtempSync(join(tmpdir(), "corekube-plan-"));
  const planFile = join(folder, "plan.json");
  try {
    const now = await takePreview(stack, policies, options["without-plan"] ? [] : ["--save-plan", planFile]);
    if (now.failed) {
      process.stdout.write(now.summary);
      say(`the preview before the run failed; nothing was changed${now.remedy}`);
      return exitCodes.failed;
    }
    const different = deviations(approved, now.record);
    if (different.length > 0) {
      say(
        `refused, nothing was changed: a run would now differ from ${options.preview}:\n${different.map((line) => `  ${line}`).join("\n")}`,
      );
      say(
        `What to do: settings, program, state or cloud have changed since. Preview again ("ci/preview --stack ${stack}") and approve the result.`,
      );
      return exitCodes.refused;
    }
    if (now.plan.changes.length === 0) say("nothing to do but to update outputs");
    say(`stack ${stack}: ${counts(now.plan)}`);
    const timeline = new Timeline();
    const began = Date.now();
    const { code, failure } = await runReported(
      [
        "up",
        "--yes",
        "--skip-preview",
        "--stack",
        stack,
        ...policies,
        ...(options["without-plan"] ? [] : ["--plan", planFile]),
      ],
      (event) => timeline.event(event, Date.now()),
    );
    const seconds = Math.round((Date.now() - began) / 1000);
    const text = leaveTimeline(stack, timeline, options.out);
    showOnRun(
      `## ${code === 0 ? "" : "❌ "}Stack \`${stack}\`: ${code === 0 ? `done in ${seconds} s: ${counts(now.plan)}` : `failed after ${seconds} s; see the log for what to do`}\n\n${block(text)}\n`,
    );
    if (code === 0) {
      say(`done in ${seconds} s`);
      return exitCodes.done;
    }
    say(`\n${failure}\n${nextSteps(stack, code)}`);
    return exitCodes.failed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Writes it as text and as a picture, and returns the text. */
function leaveTimeline(stack: string, timeline: Timeline, folder: string): string {
  const data = timeline.data();
  const text = withoutSecrets(timelineText(data));
  const ended = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  writeOutput(join(folder, "timeline.txt"), `${text}\n`);
  writeOutput(
    join(folder, "timeline.svg"),
    withoutSecrets(timelineSvg(data, `update of stack ${stack}, ended ${ended}`)),
  );
  say(`\n${text}\ntimeline: ${join(folder, "timeline.svg")} and .txt`);
  return text;
}

function nextSteps(stack: string, code: number): string {
  return `
stack ${stack}: pulumi ended with ${code}. The state has what was done; the run stopped at the failure. What to do:
  1. Read the error above: it names the machine or resource.
  2. Fix it, then preview and run again; the run resumes where this one stopped.
  3. "violates plan": the program deviated from its preview. Preview and run again; if it happens again, use --without-plan.
  4. "currently locked" after a run was killed: make sure that no other run is active, then "pulumi cancel --stack ${stack}".
  5. After a run was killed: "pulumi refresh --stack ${stack}" asks about creations whose result is unknown.
See docs/pipelines.md.`;
}
