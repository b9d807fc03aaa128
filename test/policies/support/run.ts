/** Runs rules without an engine, on what the engine would hand them. */
import type { PolicyResource, PolicyResourceOptions } from "@pulumi/policy";
import type { Rule } from "../../../policies/rule.js";
import { type Given, isRef } from "./case.js";

/** The SDK's own guard: an access to an unknown value throws. */
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { unknownCheckingProxy, unknownStringValue } = require("@pulumi/policy/proxy") as {
  unknownCheckingProxy(value: object): Record<string, unknown>;
  unknownStringValue: string;
};
export const unknownText = unknownStringValue;

export interface Said {
  readonly rule: string;
  /** Name of the resource. */
  readonly resource: string;
  readonly message: string;
}

export interface RunOptions {
  readonly stack?: string;
  readonly project?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly provider?: Readonly<Record<string, unknown>>;
}

export function urnOf({ type, name }: Given, { project = "test", stack = "test" }: RunOptions = {}): string {
  return `urn:pulumi:${stack}::${project}::${type}::${name}`;
}

/** Problems that a rule finds. Values from other resources are unknown, as in a first preview. */
export async function run(rule: Rule, resources: readonly Given[], options: RunOptions = {}): Promise<Said[]> {
  const said: Said[] = [];
  const getConfig = <T extends object>(): T => ({ ...options.settings }) as T;
  const stackTags = new Map<string, string>();
  const notApplicable = (): never => {
    throw new Error("not applicable");
  };
  if ("validateStack" in rule) {
    const all = policyResources(resources, options);
    await rule.validateStack({ resources: all, stackTags, getConfig, notApplicable }, (message, urn) => {
      said.push({ rule: rule.name, resource: all.find((resource) => resource.urn === urn)?.name ?? "", message });
    });
    return said;
  }
  const { validateResource } = rule;
  if (typeof validateResource !== "function") throw new Error(`${rule.name} checks nothing`);
  for (const given of resources) {
    const { type, name } = given;
    await validateResource(
      {
        type,
        name,
        urn: urnOf(given, options),
        props: unknownCheckingProxy(known(given.props)),
        opts: optionsOf(given),
        stackTags,
        getConfig,
        notApplicable,
        ...(options.provider
          ? { provider: { type: "pulumi:providers:x", name: "x", urn: "", props: options.provider } }
          : {}),
        isType: () => false,
        asType: () => undefined,
      },
      (message) => said.push({ rule: rule.name, resource: name, message }),
    );
  }
  return said;
}

function known(props: Given["props"]): Record<string, unknown> {
  const inside = (value: unknown): unknown => {
    if (isRef(value)) return unknownText;
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => [key, inside(item)]),
      );
    return value;
  };
  return inside(props ?? {}) as Record<string, unknown>;
}

function optionsOf({ protect = false }: Given): PolicyResourceOptions {
  return {
    protect,
    ignoreChanges: [],
    aliases: [],
    customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    additionalSecretOutputs: [],
  };
}

function refsIn(value: unknown): string[] {
  if (isRef(value)) return [value.from];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(refsIn) : [];
}

function policyResources(resources: readonly Given[], options: RunOptions): PolicyResource[] {
  const made = resources.map((given): PolicyResource & { parent?: PolicyResource } => ({
    type: given.type,
    name: given.name,
    urn: urnOf(given, options),
    props: unknownCheckingProxy(known(given.props)),
    opts: optionsOf(given),
    dependencies: [],
    propertyDependencies: {},
    isType: () => false,
    asType: () => undefined,
  }));
  const byName = (name: string): PolicyResource[] => made.filter((resource) => resource.name === name);
  resources.forEach((given, index) => {
    const resource = made[index]!;
    if (given.parent !== undefined) [resource.parent] = byName(given.parent);
    resource.propertyDependencies = Object.fromEntries(
      Object.entries(given.props ?? {}).map(([key, value]) => [key, refsIn(value).flatMap(byName)]),
    );
  });
  return made;
}
