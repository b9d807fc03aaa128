/** A rule: an id, a requirement, settings with defaults, and a check. */
import type {
  PolicyConfigSchema,
  PolicyResource,
  PolicyResourceOptions,
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";
import type { Resource, StackResource } from "../components/cloud/policy.js";
import { plainBag } from "../components/cloud/propertyValues.js";

export type Rule = ResourceValidationPolicy | StackValidationPolicy;

type Property = PolicyConfigSchema["properties"][string] & { readonly description: string; readonly default: unknown };
/** A rule's settings: each has a default, so that the pack works without configuration. */
export type Properties<C> = { readonly [K in keyof C]: Property & { readonly default: C[K] } };

interface Definition<C> {
  /** kebab-case. */
  readonly id: string;
  /** The requirement, as a sentence. */
  readonly description: string;
  readonly settings: Properties<C>;
}

/** Settings of rules with exceptions by name. */
export interface Allowed {
  /** Names of resources that the rule ignores. */
  readonly allowed: readonly string[];
}

/** @param what What such a resource may do. */
export function allowedNames(what: string): Properties<Allowed> {
  return {
    allowed: { type: "array", items: { type: "string" }, default: [], description: `Names of resources that ${what}.` },
  };
}

export type Report = (problem: string) => void;

/** A rule about single resources. Resources named in `allowed` are ignored. */
export function resourceRule<C extends Allowed>(
  definition: Definition<C> & { readonly check: (resource: Resource, settings: C, report: Report) => void },
): ResourceValidationPolicy {
  const { id } = definition;
  return {
    ...head(definition),
    validateResource: (args, reportViolation) => {
      const settings = settingsOf(definition, args);
      if (settings.allowed.includes(args.name)) return;
      definition.check(resourceOf(args), settings, (problem) =>
        reportViolation(`${problem} ${exception(id, args.name)}`),
      );
    },
  };
}

/** A rule about resources together. */
export function stackRule<C extends Allowed>(
  definition: Definition<C> & {
    readonly check: (
      resources: readonly StackResource[],
      settings: C,
      report: (resource: { name: string; urn: string }, problem: string) => void,
    ) => void;
  },
): StackValidationPolicy {
  const { id } = definition;
  return {
    ...head(definition),
    validateStack: (args: StackValidationArgs, reportViolation: ReportViolation) => {
      const settings = settingsOf(definition, args);
      definition.check(args.resources.map(stackResourceOf), settings, (resource, problem) => {
        if (settings.allowed.includes(resource.name)) return;
        // The engine shows problems of a stack under the stack, so the message names the resource.
        reportViolation(`${resource.name}: ${problem} ${exception(id, resource.name)}`, resource.urn);
      });
    },
  };
}

function exception(id: string, name: string): string {
  return `(Exception: "${name}" in ${id}.allowed of the policy pack's configuration.)`;
}

function head<C>({
  id,
  description,
  settings,
}: Definition<C>): Pick<Rule, "name" | "description" | "enforcementLevel" | "configSchema"> {
  return { name: id, description, enforcementLevel: "mandatory", configSchema: { properties: { ...settings } } };
}

function settingsOf<C>({ settings }: Definition<C>, args: { getConfig<T extends object>(): T }): C {
  const defaults = Object.fromEntries(
    Object.entries<Property>(settings).map(([key, property]) => [key, property.default]),
  );
  return { ...defaults, ...args.getConfig() } as C;
}

interface Described {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: unknown;
  readonly opts?: Partial<PolicyResourceOptions>;
  readonly provider?: ResourceValidationArgs["provider"];
}

function resourceOf({ type, name, urn, props, opts, provider }: Described): Resource {
  return {
    type,
    name,
    urn,
    props: plainBag(props),
    protect: opts?.protect === true,
    provider: plainBag(provider?.props),
  };
}

function stackResourceOf(resource: PolicyResource): StackResource {
  const ancestors: PolicyResource[] = [];
  for (let parent = resource.parent; parent !== undefined; parent = parent.parent) ancestors.push(parent);
  return {
    ...resourceOf(resource),
    ancestors: ancestors.map(({ type, name, urn }) => ({ type, name, urn })),
    sources: (property) => (resource.propertyDependencies[property] ?? []).map(({ urn }) => urn),
  };
}

/** The stack of a resource as `project/stack`; a URN is `urn:pulumi:<stack>::<project>::<types>::<name>`. */
export function stackOf(urn: string): string {
  const [, , stack = "", , project = ""] = urn.split(":");
  return `${project}/${stack}`;
}
