/** Documents generated from the options: the section `config` of `Pulumi.yaml`, which the engine checks, and the reference. Pure. */
import { parseDocument } from "yaml";
import { clouds } from "../../components/clouds.js";
import { allImmutables } from "../../components/immutables/all.js";
import { optionGroups, optionsOf } from "../../components/spec/settings/index.js";
import type { Option } from "../../components/spec/settings/option.js";
import { joinPath } from "../../components/spec/settings/rule.js";
import { namespace } from "./settingsError.js";
import { type Described, describeOption } from "./validate.js";

const groups = optionGroups(clouds);

type PulumiType = "string" | "integer" | "boolean" | "array" | "object";

interface PulumiOption {
  readonly type: PulumiType;
  readonly items?: { readonly type: PulumiType };
  readonly default: unknown;
  readonly description: string;
}

/** The engine's name of the type. */
function pulumiType({ type }: Described): PulumiType {
  switch (type) {
    case "string":
    case "integer":
    case "boolean":
    case "array":
    case "object":
      return type;
    default:
      throw new Error(`type: got ${type ?? "nothing"}; Pulumi.yaml accepts string, integer, boolean, array and object`);
  }
}

function pulumiOption(option: Option): PulumiOption {
  const described = describeOption(option);
  const inside = Object.entries(described.properties ?? described.items?.properties ?? {}).map(
    ([key, child]) => `${key}: ${meaning(child.description, child)}`,
  );
  return {
    type: pulumiType(described),
    items: described.items && { type: pulumiType(described.items) },
    default: option.default,
    description: [meaning(option.description, described), ...inside].join(" "),
  };
}

function meaning(description: string | undefined, described: Described): string {
  const allowed = sentence(described);
  return [description, allowed && `Allowed: ${allowed}.`].filter(Boolean).join(" ");
}

/** What is allowed for the value and for the items of a list. */
function sentence({ allowed, items }: Described): string {
  return [allowed, items?.allowed && `each ${items.allowed}`].filter(Boolean).join("; ");
}

/** `Pulumi.yaml` with a new section `config`; everything else stays as it is. */
export function withConfigSection(pulumiYaml: string): string {
  const document = parseDocument(pulumiYaml);
  const config = Object.fromEntries(
    Object.entries(optionsOf(groups)).map(([name, option]) => [`${namespace}:${name}`, pulumiOption(option)]),
  );
  const section = document.createNode(config);
  section.commentBefore = " Generated from components/spec/settings: npx tsx infra/settings/generate.ts";
  document.set("config", section);
  return document.toString({ lineWidth: 0 });
}

/** `docs/configuration.md`. */
export function configurationReference(): string {
  return `# Settings of a stack

<!-- Generated from components/spec/settings: npx tsx infra/settings/generate.ts -->

Settings live in \`Pulumi.<stack>.yaml\` under the namespace \`${namespace}\`. \`pulumi config set node_count 3\` changes one,
\`pulumi config set --path etcd.count 5\` one inside another, \`pulumi config set --path 'admin_cidrs[0]' 192.0.2.7/32\` one of a list.
\`region\` and \`admin_cidrs\` are required; all other settings have a default.

All settings are checked together before anything is created or changed, in previews as well as updates. One error lists every problem:
the setting, its value, what is allowed, and the command that fixes it. Unknown keys, and values that look like secrets, are refused.

The last column says what a change does to a cluster that runs:

| change | what happens |
|---|---|
| refused | the cluster is what it is; the error has the reason and the alternative |
| replaces ... | these machines are replaced, one or \`max_unavailable\` at a time ([recovery.md](recovery.md)) |
| in place on ... | these machines get it while they run, in the same order; what reads it is restarted ([machines.md](machines.md)) |
| adds or removes ... | the others stay as they are; those that are removed are drained |
| the cloud's resources | firewalls, volumes and the like; no machine |
| API objects | add-ons in the cluster, through Kubernetes' own rolling updates |
| nothing | it holds for what is done from then on |

Which machines, and what of them: \`pulumi preview --diff\`. A size that is left to the program (\`node_size\` and the like not set)
follows from the requests: these may then ask for a larger machine, which replaces it.

Some settings cannot change once the cluster exists: ${keptSettings}. Such a change is refused with the reason and the alternative.
Volumes (\`etcd.data_disk\`, \`etcd.wal_disk\`) can grow, not shrink, and \`encryption_key\` can only change by one at a time. A cluster
keeps the release of Kubernetes that it has, whatever a newer checkout offers, until \`kubernetes_version\` says another one; a step that
Kubernetes does not support is refused, with the step that leads on.

${Object.entries(groups)
  .map(
    ([title, options]) =>
      `## ${title}\n\n| setting | type | default | meaning | change |\n|---|---|---|---|---|\n${Object.entries(options)
        .flatMap(([name, option]) => rows(name, describeOption(option), option, option.effect ?? ""))
        .join("\n")}\n`,
  )
  .join("\n")}`;
}

/** What the reference says of a change, by setting: those that say it themselves, and not as a part of another one. */
export function effects(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (path: string, { properties = {} }: Described, effect: string | undefined): void => {
    if (effect !== undefined) found.set(path, effect);
    for (const [key, child] of Object.entries(properties)) add(joinPath(path, key), child, child.effect);
  };
  for (const [name, option] of Object.entries(optionsOf(groups))) add(name, describeOption(option), option.effect);
  return found;
}

/** Those that may change within limits are described one by one. */
const keptSettings = Object.values(allImmutables())
  .filter(({ accepts }) => accepts === undefined)
  .map(({ setting }) => `\`${setting}\``)
  .join(", ");

function rows(
  path: string,
  described: Described,
  own: { readonly default?: unknown; readonly description?: string },
  effect: string,
): string[] {
  const cells = [
    `\`${path}\``,
    typeName(described),
    defaultText(own.default),
    meaning(own.description, described),
    effect,
  ];
  const row = `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const inside = [
    ...Object.entries(described.properties ?? {}).flatMap(([key, child]) =>
      rows(joinPath(path, key), child, child, child.effect ?? effect),
    ),
    ...Object.entries(described.items?.properties ?? {}).flatMap(([key, child]) =>
      rows(`${path}[0].${key}`, child, child, effect),
    ),
  ];
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
