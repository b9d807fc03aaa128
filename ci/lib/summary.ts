/** The preview as Markdown, for the comment on a pull request. */
import { shortType, type Action, type Change, type Plan } from "./changes.js";
import { costs, kindOf, losses } from "./kinds.js";
import { block, code, escape } from "./markdown.js";

const actions: Readonly<Record<Action, { readonly sign: string; readonly word: string }>> = {
  create: { sign: "+", word: "created" },
  update: { sign: "~", word: "updated" },
  replace: { sign: "±", word: "replaced" },
  delete: { sign: "-", word: "deleted" },
};

/** `2 created, 1 deleted`; `nothing to do`. */
export function counts(plan: Plan): string {
  const parts = (Object.keys(actions) as Action[]).flatMap((action) => {
    const number = plan.changes.filter((change) => change.action === action).length;
    return number > 0 ? [`${number} ${actions[action].word}`] : [];
  });
  return parts.length > 0 ? parts.join(", ") : "nothing to do";
}

/** @param failed the preview did not come to its end, or a mandatory policy is violated. */
export function previewSummary(
  stack: string,
  plan: Plan,
  options: { readonly failed: boolean; readonly errors: string; readonly policies: boolean },
): string {
  const blocks = [
    `## ${options.failed ? "❌ " : ""}Preview of stack ${code(stack)}: ${options.failed ? "failed" : counts(plan)}`,
    losses(plan.changes).length > 0 ? lossesBlock(losses(plan.changes)) : "",
    violationsBlock(plan, options.policies),
    options.failed ? errorsBlock(plan, options.errors) : "",
    plan.changes.length > 0 ? `${componentsBlock(plan)}\n\n${costBlock(plan)}` : "",
    `${plan.unchanged} resources unchanged. Digest of the changes: ${code(plan.digest.slice(0, 16))}`,
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function lossesBlock(lost: readonly Change[]): string {
  const lines = lost.map(
    (change) =>
      `> - **${escape(change.name)}** (${kindOf(change) ?? change.type}) is **${actions[change.action].word}**${reason(change)}`,
  );
  return [
    `> [!CAUTION]`,
    `> **${lost.length} ${lost.length === 1 ? "machine, volume, load balancer or key is" : "machines, volumes, load balancers or keys are"} replaced or deleted:**`,
    ...lines,
  ].join("\n");
}

function reason(change: Change): string {
  const because = change.properties.filter(({ replaces }) => replaces);
  return because.length > 0 ? `: ${because.map(({ path, text }) => `${code(path)} ${escape(text)}`).join(", ")}` : "";
}

function violationsBlock(plan: Plan, policies: boolean): string {
  if (!policies) return "Policies: this checkout has no policy pack.";
  if (plan.violations.length === 0) return "Policies: no violation.";
  const ordered = [...plan.violations].sort((a, b) => Number(b.mandatory) - Number(a.mandatory));
  return [
    `### Policies: ${plan.violations.length} ${plan.violations.length === 1 ? "violation" : "violations"}`,
    "",
    ...ordered.map(
      ({ policy, mandatory, resource, message }) =>
        `- **${mandatory ? "mandatory" : "advisory"}** ${code(policy)}${resource ? ` at ${code(resource)}` : ""}: ${escape(message)}`,
    ),
  ].join("\n");
}

function errorsBlock(plan: Plan, errors: string): string {
  const text =
    plan.errors.length > 0
      ? plan.errors.join("\n")
      : errors
          .split("\n")
          .filter((line) => line.trim() !== "" && !/using pulumi-\S+ from \$PATH/.test(line))
          .slice(-30)
          .join("\n");
  return text.trim() === "" ? "" : `### Errors\n\n${block(text)}`;
}

function componentsBlock(plan: Plan): string {
  const components = [...new Set(plan.changes.map(({ component }) => component))].sort();
  return components
    .map((component) => {
      const own = plan.changes.filter((change) => change.component === component);
      const lines = own.map(
        (change) =>
          `- ${code(actions[change.action].sign)} ${escape(change.name)} (${escape(shortType(change.type))})${changed(change)}`,
      );
      return `<details><summary><b>${escape(component)}</b>: ${counts({ ...plan, changes: own })}</summary>\n\n${lines.join("\n")}\n\n</details>`;
    })
    .join("\n");
}

function changed(change: Change): string {
  return change.properties
    .map(({ path, text, replaces }) => `\n  - ${code(path)} ${escape(text)}${replaces ? " **(replaces)**" : ""}`)
    .join("");
}

function costBlock(plan: Plan): string {
  const charged = costs(plan.changes);
  if (charged.length === 0)
    return "Costs: neutral (no machine, volume or load balancer more, fewer or of another size).";
  const listed = charged.map(
    (change) => `${actions[change.action].sign} ${escape(change.name)} (${kindOf(change) ?? ""})`,
  );
  return `Costs: not neutral: ${listed.join(", ")}.`;
}
