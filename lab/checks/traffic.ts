/** DNS, pods, Services, node ports, host ports, logs and exec, seen with the check's workload running. */
import { until } from "../process/until.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { get } from "../cluster/network.js";
import { dnsPod, greeting, hostPort, namespace } from "./workload.js";

/** In every default node port range that the product accepts; the number of the source documents. */
export const nodePort = 31000;

const welcome = "Welcome to nginx";

const podAddress = (context: CheckContext, pod: string): Promise<string> =>
  context.kubectlValue("{.status.podIP}", "pod", pod, "-n", namespace);

/**
 * Output of a command in a pod, regardless of its exit code: busybox's nslookup fails when one name of the search list does. (Time limits
 * come from `timeout`: Debian's static busybox crashes on wget's own.)
 */
async function inPod(context: CheckContext, pod: string, podNamespace: string, command: string[]): Promise<string> {
  const result = await context.tryKubectl(["exec", "-n", podNamespace, pod, "--", ...command], { timeout: 60_000 });
  return result.stdout + result.stderr;
}

const serviceAddress = (context: CheckContext, name: string, serviceNamespace: string): Promise<string> =>
  context.kubectlValue("{.spec.clusterIP}", "service", name, "-n", serviceNamespace);

/**
 * Milliseconds until cluster DNS knows a new Service. After the only API server was replaced, CoreDNS notices after 45 s that the old one
 * is gone (client-go's HTTP/2 health check: https://pkg.go.dev/k8s.io/apimachinery/pkg/util/net#SetTransportDefaults) and tries again
 * after up to 30 s.
 */
const DNS_MILLISECONDS = 90_000;

export const trafficChecks: readonly Check[] = [
  {
    name: "the DNS Service is kube-dns on the tenth service address",
    level: "boot",
    run: async (context) => {
      const api = await serviceAddress(context, "kubernetes", "default");
      const expected = api.replace(/\.1$/, ".10");
      const dns = await serviceAddress(context, "kube-dns", "kube-system");
      expect(dns === expected, `kube-dns has ${dns}, expected ${expected} (the API's Service has ${api})`);
    },
  },
  {
    name: "nslookup kubernetes in a busybox pod gives the API's service address",
    level: "boot",
    run: async (context) => {
      const api = await serviceAddress(context, "kubernetes", "default");
      await until("nslookup kubernetes", { timeout: 30_000 }, async () => {
        const output = await inPod(context, dnsPod, "default", ["nslookup", "kubernetes"]);
        expect(
          output.includes("kubernetes.default.svc.cluster.local") && output.includes(api),
          `expected kubernetes.default.svc.cluster.local and ${api} in:\n${output}`,
        );
      });
    },
  },
  {
    name: "an SRV look-up of a named port gives the port and the target",
    level: "boot",
    run: async (context) => {
      const cases = [
        {
          name: "_https._tcp.kubernetes.default.svc.cluster.local",
          port: 443,
          target: "kubernetes.default.svc.cluster.local",
        },
        {
          name: `_http._tcp.web.${namespace}.svc.cluster.local`,
          port: 80,
          target: `web.${namespace}.svc.cluster.local`,
        },
      ];
      for (const { name, port, target } of cases) {
        await until(`nslookup ${name}`, { timeout: DNS_MILLISECONDS }, async () => {
          const output = await inPod(context, dnsPod, "default", ["nslookup", "-type=srv", name]);
          expect(
            new RegExp(`\\b${port} ${target.replaceAll(".", "\\.")}`).test(output),
            `${name}: expected port ${port} and ${target} in:\n${output}`,
          );
        });
      }
    },
  },
  {
    name: "pods on different workers reach each other, directly and through the Service",
    level: "boot",
    run: async (context) => {
      const workers = context.machines("worker");
      const ask = async (from: number, url: string): Promise<void> => {
        const output = await inPod(context, `shell-${from}`, namespace, ["timeout", "5", "wget", "-q", "-O", "-", url]);
        expect(
          output.includes(welcome),
          `from a pod on ${workers[from]?.name ?? from}: ${url} answered: ${output.slice(0, 300) || "nothing"}`,
        );
      };
      const targets = await Promise.all(workers.map((_, index) => podAddress(context, `web-${index}`)));
      for (const from of workers.keys()) {
        for (const address of targets) await ask(from, `http://${address}`);
        await until("the Service by its name", { timeout: DNS_MILLISECONDS }, () =>
          ask(from, `http://web.${namespace}.svc.cluster.local`),
        );
      }
    },
  },
  {
    name: "nginx behind a NodePort answers from outside on every worker, and on the controllers to themselves",
    level: "boot",
    run: async (context) => {
      for (const machine of context.machines("worker").filter(({ public_ipv4 }) => public_ipv4 !== "")) {
        await until(`NodePort of ${machine.name}`, { timeout: 30_000 }, async () => {
          const answer = await get(`http://${machine.public_ipv4}:${nodePort}`, { from: context.config.adminAddress });
          expect(
            answer.status === 200 && answer.body.includes(welcome),
            `status ${answer.status}: ${answer.body.slice(0, 200)}`,
          );
        });
      }
      // Node ports of controllers are closed from outside; the Service works there nevertheless.
      for (const machine of context.machines("controller")) {
        const output = await context.inMachine(machine, `curl -sS -m 5 http://${machine.private_ipv4}:${nodePort}`);
        expect(output.includes(welcome), `${machine.name} asking itself: ${output.slice(0, 300)}`);
      }
    },
  },
  {
    name: "a pod with a hostPort answers from outside on its node",
    level: "boot",
    run: async (context) => {
      const [worker] = context.machines("worker");
      expect(worker !== undefined, "the cluster has no worker");
      // A machine without a public address cannot be reached from outside.
      if (worker.public_ipv4 === "") return;
      await until(`port ${hostPort} of ${worker.name}`, { timeout: 30_000 }, async () => {
        const answer = await get(`http://${worker.public_ipv4}:${hostPort}`, { from: context.config.adminAddress });
        expect(
          answer.status === 200 && answer.body.includes(welcome),
          `status ${answer.status}: ${answer.body.slice(0, 200)}`,
        );
      });
    },
  },
  {
    name: "kubectl logs and exec work on every worker",
    level: "boot",
    run: async (context) => {
      for (const [index, machine] of context.machines("worker").entries()) {
        const logs = await context.kubectl(["logs", "-n", namespace, `shell-${index}`]);
        expect(
          logs.trim() === greeting,
          `logs of a pod on ${machine.name}: expected "${greeting}", got "${logs.trim()}"`,
        );
        const output = await context.kubectl(["exec", "-n", namespace, `shell-${index}`, "--", "hostname"]);
        expect(
          output.trim() === `shell-${index}`,
          `exec in a pod on ${machine.name}: expected "shell-${index}", got "${output.trim()}"`,
        );
      }
    },
  },
];
