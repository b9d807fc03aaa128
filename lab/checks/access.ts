/** Access to the API server, etcd and the metadata service. */
import { until } from "../process/until.js";
import { regionCloud } from "../kind.js";
import { expect, type Check } from "../cluster/context.js";
import { answers, get } from "../cluster/network.js";
import { findSecrets, unpackUserData } from "./secrets.js";
import { dnsPod } from "./workload.js";

const secretsDirectory = "/etc/corekube/secrets";

export const accessChecks: readonly Check[] = [
  {
    name: "the API answers 401 without a client certificate, and its health endpoints answer ok",
    level: "always",
    run: async (context) => {
      const { endpoint, caCertificate: ca } = context.outputs;
      for (const path of ["/", "/version", "/api/v1/nodes", "/api/v1/namespaces/kube-system/secrets"]) {
        const answer = await get(`${endpoint}${path}`, { ca });
        expect(answer.status === 401, `GET ${path} without a client certificate: expected 401, got ${answer.status}`);
      }
      for (const path of ["/livez", "/readyz"]) {
        await until(path, { timeout: 30_000 }, async () => {
          const answer = await get(`${endpoint}${path}`, { ca });
          expect(
            answer.status === 200 && answer.body === "ok",
            `GET ${path}: expected 200 ok, got ${answer.status} ${answer.body.slice(0, 200)}`,
          );
        });
      }
    },
  },
  {
    name: "the API does not answer to an address outside admin_cidrs",
    level: "always",
    run: async (context) => {
      const { hostname, port } = new URL(context.outputs.endpoint);
      const open = await answers(hostname, Number(port || 443), context.config.strangerAddress, 2000);
      expect(!open, `${hostname}:${port || 443} accepted a connection from ${context.config.strangerAddress}`);
    },
  },
  {
    name: "etcd refuses the handshake without a client certificate",
    level: "full",
    run: async (context) => {
      const [controller] = context.machines("controller");
      expect(controller !== undefined, "the cluster has no controller");
      for (const member of context.machines("etcd")) {
        const url = `https://${member.private_ipv4}:2379/version`;
        const bare = await context.tryInMachine(
          controller,
          `curl -sS -m 10 --cacert ${secretsDirectory}/etcd-ca.crt ${url}`,
        );
        // 35: refused in the handshake; 55, 56: ended right after it, which is where TLS 1.3 refuses a client.
        const refused = [35, 55, 56].includes(bare.code) && bare.stdout === "";
        expect(
          refused,
          `${member.name} without a client certificate: expected a refused handshake, got exit code ${bare.code}: ${bare.stdout}${bare.stderr}`,
        );
        const certificate = `--cert ${secretsDirectory}/etcd-client.crt --key ${secretsDirectory}/etcd-client.key`;
        const version = await context.inMachine(
          controller,
          `curl -sS -m 10 --cacert ${secretsDirectory}/etcd-ca.crt ${certificate} ${url}`,
        );
        expect(
          version.includes("etcdserver"),
          `${member.name} with the API server's certificate: expected its version, got ${version.slice(0, 200)}`,
        );
      }
    },
  },
  {
    name: "a pod learns no secret from the metadata service, and nothing about another machine",
    level: "full",
    // Pods on AWS do not reach it at all.
    applies: ({ config }) => regionCloud(config) === "digitalocean",
    run: async (context) => {
      const ask = async (path: string): Promise<string> => {
        const url = `http://169.254.169.254${path}`;
        return (
          await context.tryKubectl(
            ["exec", "-n", "default", dnsPod, "--", "timeout", "5", "wget", "-q", "-O", "-", url],
            { timeout: 30_000 },
          )
        ).stdout;
      };
      const node = await context.kubectlValue("{.spec.nodeName}", "pod", dnsPod, "-n", "default");
      const paths = [
        "/metadata/v1.json",
        "/metadata/v1/user-data",
        "/metadata/v1/",
        "/metadata/v1/id",
        "/metadata/v1/vendor-data",
        "/metadata/v1/public-keys",
      ];
      for (const path of paths) {
        const answer = await ask(path);
        const found = findSecrets(unpackUserData(answer));
        expect(found.length === 0, `${path} gives a pod ${found.join(", ")}`);
        for (const other of context.outputs.machines.filter((machine) => machine.name !== node)) {
          expect(
            !answer.includes(other.public_ipv4) && !answer.includes(`"${other.name}"`),
            `${path} gives a pod on ${node} data of ${other.name}`,
          );
        }
      }
    },
  },
  {
    name: "secrets on the machines belong to root and are closed to others",
    level: "full",
    run: async (context) => {
      for (const machine of context.outputs.machines) {
        const open = await context.inMachine(
          machine,
          `find /etc/corekube /etc/kubernetes /var/lib/kubelet/pki \\( -name '*.key' -o -name '*.kubeconfig' -o -name '*.pem' \\) -type f \\( -perm /0077 \\) 2>/dev/null || true`,
        );
        expect(
          open.trim() === "",
          `${machine.name}: readable by more than their owner: ${open.trim().split("\n").join(", ")}`,
        );
        const left = await context.inMachine(
          machine,
          `ls ${secretsDirectory}/bootstrap.kubeconfig 2>/dev/null || true`,
        );
        expect(left.trim() === "", `${machine.name}: the join's kubeconfig is still there: ${left.trim()}`);
      }
    },
  },
];
