/** Outside their own folders, clouds are entries of a list: nothing else compares their names, keys a table by them, or imports their files. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { clouds } from "../../components/clouds.js";

const project = join(__dirname, "..", "..");
const names = clouds.map(({ name }) => name as string);
const own = names.map((name) => join("components", name));

const files = ["infra", "components", "policies", "provider", "bench"]
  .flatMap((folder) =>
    readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => relative(project, join(entry.parentPath, entry.name))),
  )
  .filter((file) => !own.some((folder) => file.startsWith(`${folder}/`)));

const isName = (node: ts.Node): boolean => ts.isStringLiteralLike(node) && names.includes(node.text);

const comparisons: readonly ts.SyntaxKind[] = [
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
];

/** Whether the node makes its file depend on a single cloud. */
function dependsOnOne(node: ts.Node, file: string): boolean {
  if (ts.isBinaryExpression(node))
    return comparisons.includes(node.operatorToken.kind) && (isName(node.left) || isName(node.right));
  if (ts.isCaseClause(node)) return isName(node.expression);
  // `["aws"].includes(name)`, `name.startsWith("aws")`, `{ aws: ... }[name]`
  if (ts.isCallExpression(node)) return node.arguments.some(isName);
  if (ts.isPropertyAssignment(node))
    return names.includes(node.name.getText().replaceAll('"', "")) && !ts.isArrayLiteralExpression(node.initializer);
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const { text } = node.moduleSpecifier;
    return file !== "components/clouds.ts" && names.some((name) => new RegExp(`(components|[.])/${name}/`).test(text));
  }
  return false;
}

function offences(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (dependsOnOne(node, file)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${file}:${line + 1}: ${node.getText().split("\n")[0] ?? ""}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe("names of clouds", () => {
  it("are compared nowhere outside the clouds' folders", () => {
    assert.ok(files.length > 100);
    assert.deepEqual(
      files.flatMap((file) => offences(file, readFileSync(join(project, file), "utf8"))),
      [],
    );
  });

  for (const text of [
    'if (spec.cloud === "aws") {}',
    'if ("digitalocean" !== name) {}',
    'switch (name) { case "aws": }',
    'const part = { "aws": a }[name];',
    "const part = { digitalocean: a }[name];",
    'if (name.startsWith("aws")) {}',
    'import { awsSizes } from "../components/aws/sizes.js";',
  ]) {
    it(`would be found in: ${text}`, () => assert.equal(offences("infra/x.ts", text).length, 1));
  }
});
