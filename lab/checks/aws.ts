/** What a cluster on AWS has beyond the others: what the cloud controller manager makes, zones, metadata, storage classes. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readState } from "../clouds/aws/readState.js";
import { machineNameOf } from "../clouds/aws/desired.js";
import { until } from "../process/until.js";
import { projectDirectory } from "../config.js";
import { regionCloud } from "../kind.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { dnsPod } from "./workload.js";

interface Node {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly providerID?: string; readonly taints?: readonly { readonly key: string }[] };
}

interface StorageClass {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly provisioner: string;
  readonly volumeBindingMode: string;
}

const applies = ({ config }: CheckContext): boolean => regionCloud(config) === "aws";

const metadata = "http://169.254.169.254/latest";

/** Zone of a label or a state, and how many machines a role has in it. */
function spread(zones: readonly string[]): number {
  const counts = [...new Set(zones)].map((zone) => zones.filter((item) => item === zone).length);
  return Math.max(0, ...counts) - (counts.length > 1 ? Math.min(...counts) : 0);
}

export const awsChecks: readonly Check[] = [
  {
    name: "every Node carries provider id, zone, region and type of its instance, and waits for no cloud provider",
    level: "always",
    applies,
    run: (context) =>
      until("nodes known to the cloud controller manager", { timeout: 60_000 }, async () => {
        const nodes = (await context.kubectlJson<{ items: Node[] }>(["get", "nodes"])).items;
        const { instances, region } = await readState(context.config);
        for (const { name } of context.nodes()) {
          const node = nodes.find((item) => item.metadata.name === name);
          const instance = instances.find((item) => machineNameOf(item) === name);
          expect(
            node !== undefined && instance !== undefined,
            `${name}: ${node ? "no instance" : "no Node"} of this name`,
          );
          const { labels } = node.metadata;
          const expected = {
            "provider id": [node.spec.providerID, `aws:///${instance.zone}/${instance.id}`],
            zone: [labels["topology.kubernetes.io/zone"], instance.zone],
            region: [labels["topology.kubernetes.io/region"], region],
            "instance type": [labels["node.kubernetes.io/instance-type"], instance.type],
          };
          for (const [what, [found, wanted]] of Object.entries(expected))
            expect(found === wanted, `${name}: ${what} is ${found ?? "missing"}, its instance has ${wanted}`);
          const waiting =
            node.spec.taints?.some(({ key }) => key === "node.cloudprovider.kubernetes.io/uninitialized") ?? false;
          expect(!waiting, `${name}: the cloud controller manager has not initialized it`);
        }
      }),
  },
  {
    name: "machines of a role lie in different zones, as evenly as their number allows",
    level: "always",
    applies,
    run: async (context) => {
      const { instances } = await readState(context.config);
      for (const role of ["etcd", "controller", "worker", "public"] as const) {
        const machines = context.machines(role);
        const zones = machines.map(
          ({ name }) => instances.find((item) => machineNameOf(item) === name)?.zone ?? "none",
        );
        expect(
          machines.length < 2 || (new Set(zones).size > 1 && spread(zones) <= 1),
          `${role}: ${machines.map(({ name }, index) => `${name} in ${zones[index]}`).join(", ")}`,
        );
      }
    },
  },
  {
    name: "machines reach the metadata service with a token only, pods not at all",
    level: "boot",
    applies,
    run: async (context) => {
      const header = "X-aws-ec2-metadata-token";
      const node = await context.kubectlValue("{.spec.nodeName}", "pod", dnsPod, "-n", "default");
      const machine = context.machines().find(({ name }) => name === node);
      expect(machine !== undefined, `pod ${dnsPod} runs on ${node || "no node"}, which is no machine of the stack`);
      const script = `token=$(curl -sS -m 5 -X PUT -H '${header}-ttl-seconds: 60' ${metadata}/api/token)
curl -sS -m 5 -o /dev/null -w '%{http_code} ' ${metadata}/meta-data/instance-id
curl -sS -m 5 -o /dev/null -w '%{http_code}' -H "${header}: $token" ${metadata}/meta-data/instance-id`;
      const codes = (await context.inMachine(machine, script)).trim();
      expect(
        codes === "401 200",
        `${node}: without and with a token the metadata service answered ${codes}, expected 401 200`,
      );
      // The pod's wget sends no token: any answer would be a 401.
      const asked = await context.tryKubectl(
        ["exec", "-n", "default", dnsPod, "--", "timeout", "5", "wget", "-q", "-O", "-", `${metadata}/meta-data/`],
        { timeout: 30_000 },
      );
      expect(
        asked.code !== 0 && !/40\d|server returned/i.test(asked.stderr),
        `a pod on ${node} was answered by the metadata service: ${asked.stdout}${asked.stderr}`,
      );
    },
  },
  {
    name: "the storage classes ssd, by default, and cold-hdd are there, and the API accepts the example of their use",
    level: "boot",
    applies,
    run: async (context) => {
      const classes = (await context.kubectlJson<{ items: StorageClass[] }>(["get", "storageclasses"])).items;
      const standard = classes
        .filter(
          ({ metadata: { annotations } }) => annotations?.["storageclass.kubernetes.io/is-default-class"] === "true",
        )
        .map((item) => item.metadata.name);
      expect(standard.join() === "ssd", `default storage class is ${standard.join(", ") || "none"}, expected ssd`);
      for (const name of ["ssd", "cold-hdd"]) {
        const found = classes.find((item) => item.metadata.name === name);
        expect(
          found?.provisioner === "ebs.csi.aws.com" && found.volumeBindingMode === "WaitForFirstConsumer",
          `storage class ${name}: ${found ? `${found.provisioner}, ${found.volumeBindingMode}` : "missing"}`,
        );
      }
      const folder = join(projectDirectory, "examples", "storage");
      const files = existsSync(folder) ? readdirSync(folder).filter((file) => /\.(yaml|yml)$/.test(file)) : [];
      expect(files.length > 0, `${folder} has no example`);
      for (const file of files) await context.kubectl(["apply", "--dry-run=server", "-f", join(folder, file)]);
    },
  },
];
