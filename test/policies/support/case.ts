/** Good sets of resources, and the single changes that break them. The same cases are run without an engine and with the real one. */

/** A property that takes its value from another resource of the case. */
export interface Ref {
  readonly from: string;
  readonly property: string;
}

export interface Given {
  readonly type: string;
  /** Within its case; `~` in any text stands for the case's own mark. */
  readonly name: string;
  readonly props?: Readonly<Record<string, unknown>>;
  readonly protect?: boolean;
  /** Name of a component of the same case. */
  readonly parent?: string;
}

export interface Break {
  readonly title: string;
  /** The one thing that is changed: `<resource>/props/a/0/b` or `<resource>/protect`, or a resource that is left out. */
  readonly change: { readonly path: string; readonly value: unknown } | { readonly without: string };
  /** Resource that the rule must name. @default the changed one */
  readonly culprit?: string;
  /** What the rule must say of it. */
  readonly says: RegExp;
}

export interface Case {
  readonly rule: string;
  readonly title: string;
  readonly resources: readonly Given[];
  readonly breaks: readonly Break[];
}

export function ref(from: string, property: string): Ref {
  return { from, property };
}

export function isRef(value: unknown): value is Ref {
  return (
    typeof value === "object" &&
    value !== null &&
    "from" in value &&
    "property" in value &&
    Object.keys(value).length === 2
  );
}

/** @returns The resources with one thing changed. */
export function broken(resources: readonly Given[], { change }: Break): Given[] {
  if ("without" in change) return resources.filter(({ name }) => name !== change.without);
  const [name, ...path] = change.path.split("/");
  // No structuredClone: it keeps what resources share, and the change would reach them all.
  const copy = JSON.parse(JSON.stringify(resources)) as Given[];
  const found = copy.find((resource) => resource.name === name);
  if (!found) throw new Error(`${change.path}: no such resource`);
  const last = path.pop() ?? "";
  const holder = path.reduce<Record<string, unknown>>(
    (value, key) => {
      const inner = value[key];
      if (typeof inner !== "object" || inner === null) throw new Error(`${change.path}: nothing at ${key}`);
      return inner as Record<string, unknown>;
    },
    found as unknown as Record<string, unknown>,
  );
  if (change.value === undefined) delete holder[last];
  else holder[last] = change.value;
  return copy;
}

export function culpritOf(given: Break): string {
  if (given.culprit !== undefined) return given.culprit;
  if ("without" in given.change) throw new Error(`${given.title}: which resource is to blame?`);
  return given.change.path.split("/")[0] ?? "";
}

/** The resources under names of their own. */
export function marked(resources: readonly Given[], mark: string): Given[] {
  const rename = (name: string): string => `${mark}-${name}`;
  const inside = (value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll("~", mark);
    if (Array.isArray(value)) return value.map(inside);
    if (isRef(value)) return { ...value, from: rename(value.from) };
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(item)]));
    return value;
  };
  return resources.map((given) => ({
    ...given,
    name: rename(given.name),
    ...(given.props ? { props: inside(given.props) as Given["props"] } : {}),
    ...(given.parent === undefined ? {} : { parent: rename(given.parent) }),
  }));
}
