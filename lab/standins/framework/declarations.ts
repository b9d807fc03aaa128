/** Reads from an SDK's type declarations which inputs a resource takes. Pure but for reading files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export type Type =
  | { readonly is: "any" | "string" | "number" | "boolean" }
  | { readonly is: "literal"; readonly value: string }
  | { readonly is: "list" | "map"; readonly of: Type }
  | { readonly is: "object"; readonly name: string }
  | { readonly is: "union"; readonly of: readonly Type[] };

export interface Property {
  readonly type: Type;
  readonly required: boolean;
}

export type ObjectType = Readonly<Record<string, Property>>;

/** Types of one resource's inputs; `root` names the outermost. */
export interface Declaration {
  readonly root: string;
  readonly objects: Readonly<Record<string, ObjectType>>;
}

const parsed = new Map<string, ReadonlyMap<string, ts.InterfaceDeclaration>>();

/**
 * @param directory The installed SDK.
 * @param module File in it without its ending, such as `apps/v1/deployment`.
 * @param name Interface, such as `DeploymentArgs`.
 * @throws Error when the SDK has no such interface.
 */
export function readDeclaration(directory: string, module: string, name: string): Declaration {
  const root = interfaces(join(directory, `${module}.d.ts`)).get(name);
  if (root === undefined) throw new Error(`${join(directory, `${module}.d.ts`)} has no ${name}`);
  const objects: Record<string, ObjectType> = {};
  const add = (key: string, declaration: ts.InterfaceDeclaration): void => {
    const found = new Set<string>();
    objects[key] = objectType(declaration, found);
    for (const reference of found) {
      if (reference in objects) continue;
      const nested = interfaces(join(directory, "types", "input.d.ts")).get(reference);
      if (nested !== undefined) add(reference, nested);
    }
  };
  add(name, root);
  return { root: name, objects };
}

/** All interfaces of a file by their names, with namespaces: `core.v1.PodSpec`. */
function interfaces(file: string): ReadonlyMap<string, ts.InterfaceDeclaration> {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const result = new Map<string, ts.InterfaceDeclaration>();
  const visit = (node: ts.Node, prefix: string): void => {
    if (ts.isInterfaceDeclaration(node)) result.set(prefix + node.name.text, node);
    else if (ts.isModuleDeclaration(node) && node.body !== undefined) visit(node.body, `${prefix}${node.name.text}.`);
    else if (ts.isModuleBlock(node)) for (const statement of node.statements) visit(statement, prefix);
  };
  for (const statement of ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest).statements)
    visit(statement, "");
  parsed.set(file, result);
  return result;
}

function objectType(declaration: ts.InterfaceDeclaration, found: Set<string>): ObjectType {
  const properties: Record<string, Property> = {};
  for (const member of declaration.members) {
    if (!ts.isPropertySignature(member) || member.type === undefined) continue;
    if (!ts.isIdentifier(member.name) && !ts.isStringLiteral(member.name)) continue;
    properties[member.name.text] = { type: typeOf(member.type, found), required: member.questionToken === undefined };
  }
  return properties;
}

function typeOf(node: ts.TypeNode, found: Set<string>): Type {
  if (ts.isParenthesizedTypeNode(node)) return typeOf(node.type, found);
  if (ts.isArrayTypeNode(node)) return { is: "list", of: typeOf(node.elementType, found) };
  if (ts.isUnionTypeNode(node)) {
    const members = node.types
      .filter((member) => member.kind !== ts.SyntaxKind.UndefinedKeyword)
      .map((member) => typeOf(member, found));
    return members.length === 1 && members[0] !== undefined ? members[0] : { is: "union", of: members };
  }
  if (ts.isTypeLiteralNode(node)) {
    const index = node.members.find((member) => ts.isIndexSignatureDeclaration(member));
    return index === undefined ? { is: "any" } : { is: "map", of: typeOf(index.type, found) };
  }
  if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal))
    return { is: "literal", value: node.literal.text };
  if (ts.isTypeReferenceNode(node)) return referenceType(node, found);
  if (node.kind === ts.SyntaxKind.StringKeyword) return { is: "string" };
  if (node.kind === ts.SyntaxKind.NumberKeyword) return { is: "number" };
  if (node.kind === ts.SyntaxKind.BooleanKeyword) return { is: "boolean" };
  return { is: "any" };
}

function referenceType(node: ts.TypeReferenceNode, found: Set<string>): Type {
  const name = entityName(node.typeName);
  const argument = node.typeArguments?.[0];
  if (/^pulumi\.(Input|Output)$/.test(name) && argument !== undefined) return typeOf(argument, found);
  if (/^(Array|ReadonlyArray)$/.test(name) && argument !== undefined)
    return { is: "list", of: typeOf(argument, found) };
  if (name.startsWith("inputs.")) {
    const key = name.slice("inputs.".length);
    found.add(key);
    return { is: "object", name: key };
  }
  // Enumerations are strings with suggestions; assets, URNs and the like are left to the kind.
  return /^pulumi\./.test(name) ? { is: "any" } : { is: "string" };
}

function entityName(name: ts.EntityName): string {
  return ts.isIdentifier(name) ? name.text : `${entityName(name.left)}.${name.right.text}`;
}
