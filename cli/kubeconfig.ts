/** One context of a kubeconfig file, merged into it or removed from it. Pure; comments and everything else in the file stay. */
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isSeq, parse, parseDocument, type YAMLMap, YAMLSeq } from "yaml";

/** The entries of the lists `clusters`, `users` and `contexts` of one context. */
export interface Entry {
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
}

interface Kubeconfig {
  readonly clusters?: readonly { readonly name: string; readonly cluster: Entry["cluster"] }[];
  readonly users?: readonly { readonly name: string; readonly user: Entry["user"] }[];
  readonly contexts?: readonly { readonly name: string; readonly context?: Readonly<Record<string, unknown>> }[];
  readonly "current-context"?: string;
}

/** The only cluster and user of the stack's own kubeconfig, and the cluster's name. @throws Error when it has none. */
export function readEntry(text: string): Entry & { readonly name: string } {
  const { clusters = [], users = [] } = (parse(text) ?? {}) as Kubeconfig;
  const [cluster] = clusters;
  const [user] = users;
  if (cluster === undefined || user === undefined) throw new Error("it has no cluster or no user");
  return { name: cluster.name, cluster: cluster.cluster, user: user.user };
}

/** Another text is no kubeconfig that can be changed. */
function documentOf(text: string): Document {
  const document = parseDocument(text.trim() === "" ? "apiVersion: v1\nkind: Config\n" : text, {
    keepSourceTokens: true,
  });
  const [error] = document.errors;
  // The parser's message may quote the text, which contains keys.
  if (error !== undefined) throw new Error(`it is not YAML (line ${error.linePos?.[0].line ?? "unknown"})`);
  if (!isMap(document.contents)) throw new Error("it is no kubeconfig: not a map");
  return document;
}

function listOf(document: Document, key: string): YAMLSeq {
  const list = document.get(key);
  if (isSeq(list)) return list;
  if (list !== undefined && list !== null) throw new Error(`it is no kubeconfig: ${key} is not a list`);
  const made = new YAMLSeq();
  document.set(key, made);
  return made;
}

const nameIn = (item: unknown): unknown => (isMap(item) ? item.get("name") : undefined);

/** Sets the item of a list, and returns whether that changed anything. */
function setItem(document: Document, list: string, name: string, key: string, value: unknown): boolean {
  const items = listOf(document, list);
  const wanted = { name, [key]: value };
  const at = items.items.findIndex((item) => nameIn(item) === name);
  if (at >= 0 && isDeepStrictEqual((items.items[at] as YAMLMap).toJS(document), wanted)) return false;
  const node = document.createNode(wanted);
  items.flow = false;
  if (at >= 0) items.items[at] = node;
  else items.add(node);
  return true;
}

function removeItem(document: Document, list: string, name: string): boolean {
  const items = document.get(list);
  if (!isSeq(items)) return false;
  const at = items.items.findIndex((item) => nameIn(item) === name);
  if (at < 0) return false;
  items.items.splice(at, 1);
  if (items.items.length === 0) items.flow = true;
  return true;
}

const written = (document: Document): string => document.toString({ lineWidth: 0 });

/**
 * The file's text with the context; the same text where it is there already.
 * @param select make it the current one.
 * @throws Error when the text is no kubeconfig.
 */
export function withContext(text: string, name: string, { cluster, user }: Entry, select: boolean): string {
  const document = documentOf(text);
  const changes = [
    setItem(document, "clusters", name, "cluster", cluster),
    setItem(document, "users", name, "user", user),
    setItem(document, "contexts", name, "context", { ...contextIn(document, name), cluster: name, user: name }),
  ];
  if (select && document.get("current-context") !== name) {
    document.set("current-context", name);
    changes.push(true);
  }
  return changes.includes(true) ? written(document) : text;
}

/** What a user has added to the context, such as a namespace, stays. */
function contextIn(document: Document, name: string): Readonly<Record<string, unknown>> {
  const item = listOf(document, "contexts").items.find((each) => nameIn(each) === name);
  const context = isMap(item) ? item.get("context") : undefined;
  return isMap(context) ? (context.toJS(document) as Readonly<Record<string, unknown>>) : {};
}

/** The file's text without the context, and without cluster and user of its name that no other context uses. @throws as `withContext`. */
export function withoutContext(text: string, name: string): string {
  const document = documentOf(text);
  const { contexts } = document.toJS() as Kubeconfig;
  const others = (contexts ?? []).filter((item) => item.name !== name);
  const changes = [removeItem(document, "contexts", name)];
  for (const [list, key] of [
    ["clusters", "cluster"],
    ["users", "user"],
  ] as const)
    if (!others.some(({ context }) => context?.[key] === name)) changes.push(removeItem(document, list, name));
  if (document.get("current-context") === name) {
    document.set("current-context", "");
    changes.push(true);
  }
  return changes.includes(true) ? written(document) : text;
}

/** Whether the text has a context of this name. */
export function hasContext(text: string, name: string): boolean {
  const document = parseDocument(text);
  const contexts = document.errors.length === 0 && isMap(document.contents) ? document.get("contexts") : undefined;
  return isSeq(contexts) && contexts.items.some((item) => nameIn(item) === name);
}
