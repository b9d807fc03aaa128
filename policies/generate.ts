/** Writes the table of docs/policies.md: npx tsx policies/generate.ts */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withTable } from "./reference.js";
import { rules } from "./rules.js";

const page = join(__dirname, "../docs/policies.md");
writeFileSync(page, withTable(readFileSync(page, "utf8"), rules));
