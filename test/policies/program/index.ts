/** Registers the good cases, or every broken one beside the others. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { cases } from "../cases/index.js";
import { broken, type Given, isRef, marked } from "../support/case.js";
import { breakMark, caseMark } from "../support/marks.js";

// A cluster that does not exist yet: its kubeconfig is known after the change only.
const later = new tls.PrivateKey("later", { algorithm: "ED25519" });
const cluster = new kubernetes.Provider("cluster", { kubeconfig: later.privateKeyOpenssh });

/** Outputs by which cases refer to each other. */
const outputs = ["privateKeyPem", "publicKeyPem", "certRequestPem"];

class Raw extends pulumi.CustomResource {
  constructor({ type, name, props = {} }: Given, inputs: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
    const asked = type.startsWith("tls:")
      ? Object.fromEntries(outputs.filter((key) => !(key in props)).map((key) => [key, undefined]))
      : {};
    super(type, name, { ...inputs, ...asked }, opts);
  }
}

function register(resources: readonly Given[]): void {
  const made = new Map<string, pulumi.Resource>();
  const resolved = (value: unknown): unknown => {
    if (isRef(value)) return (made.get(value.from) as unknown as Record<string, unknown>)[value.property];
    if (Array.isArray(value)) return value.map(resolved);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item)]));
    return value;
  };
  const ready = (value: unknown): boolean =>
    isRef(value)
      ? made.has(value.from)
      : typeof value !== "object" || value === null || Object.values(value).every(ready);
  let waiting = [...resources];
  while (waiting.length > 0) {
    const next = waiting.filter(({ parent, props }) => (parent === undefined || made.has(parent)) && ready(props));
    if (next.length === 0) throw new Error(`nothing to begin with among ${waiting.map(({ name }) => name).join(", ")}`);
    for (const given of next) {
      const parent = given.parent === undefined ? undefined : made.get(given.parent);
      const opts = { parent, protect: given.protect };
      const inputs = resolved(given.props ?? {}) as pulumi.Inputs;
      const resource = given.type.startsWith("corekube:")
        ? new pulumi.ComponentResource(given.type, given.name, {}, opts)
        : new Raw(given, inputs, { ...opts, ...(given.type.startsWith("kubernetes:") ? { provider: cluster } : {}) });
      made.set(given.name, resource);
    }
    waiting = waiting.filter((given) => !next.includes(given));
  }
}

const what = new pulumi.Config().require("cases");
cases.forEach((given, index) => {
  if (what === "good") register(marked(given.resources, caseMark(index)));
  else
    given.breaks.forEach((change, number) =>
      register(marked(broken(given.resources, change), breakMark(index, number))),
    );
});
