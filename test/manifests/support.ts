/** JSON schemas for kubeconform, from what an API server says of its own objects. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { labConfig } from "../../lab/config.js";
import { plainProgress } from "../../lab/progress.js";
import { ensureTools, toolPath } from "../../lab/toolchain/index.js";
import type { Registration, Run } from "../component/support/registrations.js";
import type { TestApi } from "../provider/support/api.js";
import { eventually } from "../provider/support/operation.js";

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = Record<string, Json>;

export interface Answer {
  readonly status: number;
  readonly body: { readonly message?: string } & Record<string, unknown>;
}

/** A request with an administrator's token. */
export function ask(api: TestApi, method: string, resource: string, body?: unknown): Promise<Answer> {
  const { token } = (JSON.parse(api.kubeconfig) as { users: { user: { token: string } }[] }).users[0]!.user;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const request = https.request(
      `${api.server}${resource}`,
      { method, rejectUnauthorized: false, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as Answer["body"],
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** What the program asks the cluster for, as a client of the API would write it. */
export function objectsOf(run: Run): KubernetesObject[] {
  return run.registrations
    .filter(({ type }: Registration) => type.startsWith("kubernetes:"))
    .map(({ inputs }) => inputs as unknown as KubernetesObject);
}

const references = (schema: Json): Json => {
  if (Array.isArray(schema)) return schema.map(references);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "$ref" ? String(value).replace("#/components/schemas/", "#/definitions/") : references(value),
    ]),
  );
};

/** Fields that a schema does not name are mistakes, unless it says that there may be any. */
function closed(schema: Schema): Schema {
  const open =
    "additionalProperties" in schema ||
    schema["x-kubernetes-preserve-unknown-fields"] === true ||
    !("properties" in schema);
  return open ? schema : { ...schema, additionalProperties: false };
}

/** Writes a schema for each kind of the groups; answers with the pattern of the files' names. */
export async function writeSchemas(api: TestApi, directory: string, apiVersions: readonly string[]): Promise<string> {
  mkdirSync(directory, { recursive: true });
  for (const apiVersion of new Set(apiVersions)) {
    const { status, body } = await ask(
      api,
      "GET",
      `/openapi/v3/${apiVersion.includes("/") ? "apis" : "api"}/${apiVersion}`,
    );
    if (status !== 200) throw new Error(`the API server has no schemas of ${apiVersion} (${status})`);
    const { schemas } = body["components"] as { schemas: Record<string, Schema> };
    const definitions = Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, closed(references(schema) as Schema)]),
    );
    for (const [name, schema] of Object.entries(schemas)) {
      for (const kind of (schema["x-kubernetes-group-version-kind"] ?? []) as {
        group: string;
        version: string;
        kind: string;
      }[]) {
        if ([kind.group, kind.version].filter(Boolean).join("/") !== apiVersion) continue;
        // Kubeconform takes the version for the group where there is none.
        const file = path.join(
          directory,
          `${kind.group || kind.version}_${kind.version}_${kind.kind.toLowerCase()}.json`,
        );
        writeFileSync(
          file,
          JSON.stringify({ ...definitions[name], required: ["apiVersion", "kind", "metadata"], definitions }),
        );
      }
    }
  }
  return path.join(directory, "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json");
}

/** What kubeconform finds wrong, a line for each object. @returns the number of objects that are right, too. */
export async function conform(
  schemas: string,
  documents: readonly unknown[],
): Promise<{ valid: number; wrong: string[] }> {
  const config = labConfig();
  await ensureTools(config, ["kubeconform"], plainProgress());
  const input = documents.map((document) => JSON.stringify(document)).join("\n---\n");
  let output: string;
  try {
    output = execFileSync(
      toolPath(config, "kubeconform"),
      ["-strict", "-output", "json", "-summary", "-verbose", "-schema-location", schemas],
      { input, encoding: "utf8" },
    );
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  const { resources, summary } = JSON.parse(output) as {
    resources: { kind: string; name: string; status: string; msg: string }[];
    summary: { valid: number };
  };
  return {
    valid: summary.valid,
    wrong: resources
      .filter(({ status }) => status !== "statusValid")
      .map(({ kind, name, msg, status }) => `${kind} ${name}: ${msg || status}`),
  };
}

/** The objects of a folder, as `kubectl apply -k` makes them. */
export async function kustomize(folder: string): Promise<string> {
  const config = labConfig();
  await ensureTools(config, ["kubectl"], plainProgress());
  return execFileSync(toolPath(config, "kubectl"), ["kustomize", folder], { encoding: "utf8" });
}

/** Address of the objects of a kind. */
async function resourceOf(api: TestApi, { apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { body } = await ask(api, "GET", base);
  const resource = (body["resources"] as { name: string; kind: string; namespaced: boolean }[]).find(
    (each) => each.kind === kind && !each.name.includes("/"),
  );
  if (!resource) throw new Error(`the API server knows no ${kind} of ${apiVersion}`);
  return `${base}${resource.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : ""}/${resource.name}`;
}

/** Shows an object to the API server, which keeps nothing. @returns what it says against it; undefined: nothing. */
export async function dryRun(api: TestApi, object: KubernetesObject): Promise<string | undefined> {
  const { status, body } = await ask(
    api,
    "POST",
    `${await resourceOf(api, object)}?dryRun=All&fieldValidation=Strict`,
    object,
  );
  return status < 300 ? undefined : `${object.kind} ${object.metadata.name}: ${status} ${body.message ?? ""}`;
}

/** Makes the kinds that some of the objects define, so that their own objects can be shown to the API server too. */
export async function define(api: TestApi, objects: readonly KubernetesObject[]): Promise<void> {
  const base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const definitions = objects.filter(({ kind }) => kind === "CustomResourceDefinition");
  for (const object of new Map(definitions.map((each) => [each.metadata.name, each])).values()) {
    const { status, body } = await ask(api, "POST", `${base}?fieldValidation=Strict`, object);
    if (status >= 300) throw new Error(`${object.metadata.name}: ${status} ${body.message ?? ""}`);
    const { group, versions, names } = (object as unknown as { spec: Definition }).spec;
    const address = { group, version: versions[0]!.name, plural: names.plural };
    await eventually(() =>
      api.cluster.custom.listClusterCustomObject(address).then(
        () => true,
        () => false,
      ),
    );
  }
}

interface Definition {
  readonly group: string;
  readonly versions: readonly { readonly name: string }[];
  readonly names: { readonly plural: string };
}
