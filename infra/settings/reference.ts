/** Settings as documents: the part of `Pulumi.yaml` that the engine checks, and the reference for readers. Pure. */
import { parseDocument } from "yaml";
import { immutableSettings } from "../../components/contract/immutableSettings.js";
import { groups, type Option, optionNames, options } from "./options.js";
import { joinPath, namespace } from "./problem.js";
import { type Described, describeOption } from "./validate.js";

type PulumiType = "string" | "integer" | "boolean" | "array" | "object";

interface PulumiOption {
  readonly type: PulumiType;
  readonly items?: { readonly type: PulumiType };
  readonly default: unknown;
  readonly description: string;
}

/** What the engine calls the type of a value. */
function pulumiType({ type }: Described): PulumiType {
  switch (type) {
    case "string":
    case "integer":
    case "boolean":
    case "array":
    case "object":
      return type;
    default:
      throw new Error(`type: got ${type ?? "nothing"}; Pulumi.yaml knows string, integer, boolean, array and object`);
  }
}

function pulumiOption(option: Option): PulumiOption {
  const described = describeOption(option);
  const inside = Object.entries(described.properties ?? {}).map(
    ([key, child]) => `${key}: ${meaning(child.description, child)}`,
  );
  return {
    type: pulumiType(described),
    ...(described.items ? { items: { type: pulumiType(described.items) } } : {}),
    default: option.default,
    description: [meaning(option.description, described), ...inside].join(" "),
  };
}

function meaning(description: string | undefined, described: Described): string {
  const allowed = sentence(described);
  return [description, allowed && `Allowed: ${allowed}.`].filter(Boolean).join(" ");
}

/** What is allowed, of the value and of what it lists. */
function sentence({ allowed, items }: Described): string {
  return [allowed, items?.allowed && `each ${items.allowed}`].filter(Boolean).join("; ");
}

/** `Pulumi.yaml` with the section `config` made anew; everything else stays as it is. */
export function withConfigSection(pulumiYaml: string): string {
  const document = parseDocument(pulumiYaml);
  const config = Object.fromEntries(optionNames.map((name) => [`${namespace}:${name}`, pulumiOption(options[name])]));
  const section = document.createNode(config);
  section.commentBefore = " Generated from infra/settings/options.ts: npx tsx infra/settings/generate.ts";
  document.set("config", section);
  return document.toString({ lineWidth: 0 });
}

/** `docs/configuration.md`. */
export function configurationReference(): string {
  return `# Settings of a stack

<!-- Generated from infra/settings/options.ts: npx tsx infra/settings/generate.ts -->

Settings live in \`Pulumi.<stack>.yaml\` under the namespace \`${namespace}\`. \`pulumi config set node_count 3\` changes one,
\`pulumi config set --path etcd.count 5\` one inside another, \`pulumi config set --path 'admin_cidrs[0]' 192.0.2.7/32\` one of a list.
A stack must say \`region\` and \`admin_cidrs\`; everything else has a default.

All are checked together before anything is created or changed, in a preview as in an update: one error lists every problem with the
setting, what it got, what is allowed, and the command that mends it. Keys that are not listed here are refused, and so is what
looks like a secret.

Some are decided once: ${keptSettings}. A change of one of these on a cluster that exists is refused with the reason and the way
round. Volumes (\`etcd.data_disk\`, \`etcd.wal_disk\`) may grow and never shrink, and \`encryption_key\` goes up one by one.

${Object.entries(groups)
  .map(
    ([title, names]) =>
      `## ${title}\n\n| setting | type | default | meaning |\n|---|---|---|---|\n${names.flatMap((name) => rows(name, describeOption(options[name]), options[name])).join("\n")}\n`,
  )
  .join("\n")}`;
}

/** Those that may change within limits are described one by one. */
const keptSettings = Object.values(immutableSettings)
  .filter(({ accepts }) => accepts === undefined)
  .map(({ setting }) => `\`${setting}\``)
  .join(", ");

function rows(
  path: string,
  described: Described,
  own: { readonly default?: unknown; readonly description?: string },
): string[] {
  const cells = [`\`${path}\``, typeName(described), defaultText(own.default), meaning(own.description, described)];
  const row = `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const inside = Object.entries(described.properties ?? {}).flatMap(([key, child]) =>
    rows(joinPath(path, key), child, child),
  );
  return [row, ...inside];
}

function typeName(described: Described): string {
  if (described.items) return `list of ${typeName(described.items)}`;
  if (described.additionalProperties) return `map of ${typeName(described.additionalProperties)}`;
  return described.type ?? "integer";
}

function defaultText(value: unknown): string {
  return value === undefined || value === "" ? "" : `\`${JSON.stringify(value).replace(/^"(.*)"$/, "$1")}\``;
}
