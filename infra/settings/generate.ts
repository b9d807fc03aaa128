/** Writes what is generated from the settings: `npx tsx infra/settings/generate.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { configurationReference, withConfigSection } from "./reference.js";

const project = resolve(__dirname, "..", "..");
const pulumiYaml = resolve(project, "Pulumi.yaml");

writeFileSync(pulumiYaml, withConfigSection(readFileSync(pulumiYaml, "utf8")));
writeFileSync(resolve(project, "docs", "configuration.md"), configurationReference());
