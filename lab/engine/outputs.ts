/** Outputs of the stack, and machines from its state. */
import { X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { z } from "zod";
import { cloudOf } from "../clouds/index.js";
import type { LabConfig } from "../config.js";
import { writeAtomically } from "../process/files.js";
import { exportStack, kubeconfigFile, pulumi, stackExists } from "./stack.js";

const machine = z.object({
  name: z.string(),
  role: z.enum(["etcd", "controller", "worker", "public"]),
  id: z.string(),
  /** Empty for a machine without one. */
  public_ipv4: z.union([z.ipv4(), z.literal("")]),
  private_ipv4: z.ipv4(),
  /** Recorded at the first connection, `<type> <base64>`. Empty for a machine that was never reached. */
  host_key: z.string(),
  /** It runs the configuration that the settings say. Not known after a run that failed. */
  up_to_date: z.boolean().optional(),
});

export type Machine = z.infer<typeof machine>;

const outputs = z.object({
  endpoint: z.url(),
  kubeconfig: z.string(),
  machines: z.array(machine),
  ssh_private_key: z.string(),
  ssh_user: z.string(),
});

export interface ClusterOutputs extends z.infer<typeof outputs> {
  /** PEM of the CA that signed the API's certificate. */
  readonly caCertificate: string;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly "certificate-authority-data": string } }[];
}

/** What SSH into machines needs. */
export type Access = Pick<ClusterOutputs, "machines" | "ssh_private_key" | "ssh_user">;

/**
 * Machines from the stack's state, so that those of a failed run, which has no outputs yet, can be reached too.
 * @throws Error when there are none.
 */
export async function readAccess(config: LabConfig, stack: string): Promise<Access> {
  if (!stackExists(config, stack)) throw new Error(`stack ${stack} does not exist yet; "make up" creates it`);
  const { resources = [] } = (await exportStack(config, stack, "--show-secrets")).deployment;
  const reached = resources.filter((resource) => /^corekube:machine:(Delivery|Join)$/.test(resource.type));
  // Certificates have keys too; the machines' key is the one whose public half the cloud has.
  const { resourceTypes, addressOutputs } = cloudOf(config);
  const given = resources
    .filter((resource) => resourceTypes[resource.type] === "ssh_keys")
    .map((resource) => plain(resource.inputs?.["publicKey"]).trim());
  const keys = resources
    .filter((resource) => given.includes(plain(resource.outputs?.["publicKeyOpenssh"]).trim()))
    .map((resource) => plain(resource.outputs?.["privateKeyOpenssh"]))
    .filter((key) => key.includes("OPENSSH"));
  const machines = resources
    .filter((resource) => resourceTypes[resource.type] === "machines")
    .map((resource): Machine => {
      const tags = resource.inputs?.["tags"] as Readonly<Record<string, unknown>> | undefined;
      const name = plain(resource.inputs?.["name"] ?? tags?.["Name"]);
      const record = reached.find((item) => plain(item.inputs?.["machine"]) === name);
      return {
        name,
        role: machine.shape.role.catch("worker").parse(name.split("-").at(-2)),
        id: resource.id ?? "",
        public_ipv4: plain(resource.outputs?.[addressOutputs.public]),
        private_ipv4: plain(resource.outputs?.[addressOutputs.private]),
        host_key: plain(record?.outputs?.["hostKey"]),
      };
    })
    // The bastion is not part of the cluster.
    .filter(({ name }) => !isBastion(name));
  const [key] = keys;
  if (!key || machines.length === 0) throw new Error(`stack ${stack} has no machines yet; "make up" creates them`);
  return { machines, ssh_private_key: key, ssh_user: "core" };
}

/** Whether this is the name of the bastion, through which machines without public addresses are reached. */
export const isBastion = (name: string): boolean => name.endsWith("-bastion");

/** A text in the state; secrets are wrapped in an object that holds their JSON. */
function plain(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && "plaintext" in value)
    return String(JSON.parse(String(value.plaintext)));
  return "";
}

/**
 * Reads the outputs of a stack, secrets included.
 * @throws Error when the stack has no cluster yet.
 */
export async function readOutputs(config: LabConfig, stack: string): Promise<ClusterOutputs> {
  if (!stackExists(config, stack)) throw new Error(`stack ${stack} does not exist yet; "make up" creates it`);
  const text = await pulumi(config, ["stack", "output", "--json", "--show-secrets", "--stack", stack], { stack });
  const read = outputs.safeParse(JSON.parse(text));
  if (!read.success)
    throw new Error(
      `stack ${stack} has no complete cluster yet; "make up" creates it (${z.prettifyError(read.error)})`,
    );
  const kubeconfig = parse(read.data.kubeconfig) as Kubeconfig;
  const ca = Buffer.from(kubeconfig.clusters[0]?.cluster["certificate-authority-data"] ?? "", "base64").toString(
    "utf8",
  );
  return { ...read.data, caCertificate: new X509Certificate(ca).toString() };
}

/** Writes the administrator's kubeconfig, readable by its owner only, and returns the outputs. @throws as `readOutputs`. */
export async function writeKubeconfig(config: LabConfig, stack: string): Promise<ClusterOutputs> {
  const outputs = await readOutputs(config, stack);
  writeAtomically(kubeconfigFile(config), outputs.kubeconfig, 0o600);
  return outputs;
}
