/** Facts about a cluster that the controls check: processes and files of its machines, and objects of its API. */
import type { CheckContext } from "../cluster/context.js";
import type { Machine } from "../engine/outputs.js";

export interface Process {
  /** User id that it runs as. */
  readonly user: number;
  /** Flags by name, without dashes; one without a value is `true`. */
  readonly flags: ReadonlyMap<string, string>;
}

export interface FileFact {
  readonly path: string;
  readonly kind: "file" | "directory" | "other";
  /** Permission bits. */
  readonly mode: number;
  /** `user:group`; a number where there is no name. */
  readonly owner: string;
}

export interface MachineFacts {
  readonly name: string;
  readonly role: Machine["role"];
  readonly processes: ReadonlyMap<string, Process>;
  readonly files: readonly FileFact[];
  /** Configuration and certificates without secrets, by path. */
  readonly texts: ReadonlyMap<string, string>;
  /** Configuration of the running kubelet, from its API. */
  readonly kubelet?: Readonly<Record<string, unknown>>;
}

export interface ClusterFacts {
  readonly machines: readonly MachineFacts[];
  /** kube-proxy's configuration, YAML. */
  readonly kubeProxy: string;
  /** Secrets that grant access: `<namespace>/<name>`, by type. */
  readonly tokens: Readonly<
    Record<"kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token", readonly string[]>
  >;
}

const programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet"] as const;

/** Paths that may hold credentials or configuration, and those where other installers put an administrator's. */
const places = [
  ...["/etc/kubernetes", "/etc/corekube", "/run/corekube", "/etc/cni/net.d"],
  ...["/etc/systemd/system/kubelet.service", "/etc/systemd/system/etcd.service"],
  ...["/var/lib/kubelet/kubeconfig", "/var/lib/kubelet/pki", "/var/log/kube-apiserver"],
  ...["/root/.kube", "/home/core/.kube"],
];

const separator = "==corekube-cis==";

/** Runs once per machine. Keys never leave it: they are blanked in the encryption configuration. */
const script = `
for program in ${programs.join(" ")}; do
  for pid in $(pgrep -x "\${program:0:15}"); do
    echo "${separator}process $program $(stat -c %u /proc/$pid)"
    tr '\\0' '\\n' </proc/$pid/cmdline
  done
done
echo "${separator}files"
# The units are links into the configuration.
find -H ${places.join(" ")} -printf '%m %u:%g %y %p\\n' 2>/dev/null
find /var/lib/etcd -maxdepth 0 -printf '%m %u:%g %y %p\\n' 2>/dev/null
for file in /run/corekube/kube-apiserver/a*.yaml /run/corekube/kube-apiserver/encryption.yaml /run/corekube/etcd/etcd-ca.crt /etc/corekube/secrets/ca.crt /etc/corekube/secrets/etcd-ca.crt; do
  [ ! -f "$file" ] || { echo "${separator}text $file"; sed 's/secret: .*/secret: hidden/' "$file"; }
done
exit 0`;

export async function collect(context: CheckContext): Promise<ClusterFacts> {
  const machines = await Promise.all(
    context.outputs.machines.map(async (machine): Promise<MachineFacts> => {
      const facts = parseMachine(machine.name, machine.role, await context.inMachine(machine, script, 120_000));
      if (machine.role === "etcd") return facts;
      const { kubeletconfig } = JSON.parse(
        await context.kubectl(["get", "--raw", `/api/v1/nodes/${machine.name}/proxy/configz`]),
      ) as { kubeletconfig: Record<string, unknown> };
      return { ...facts, kubelet: kubeletconfig };
    }),
  );
  const configMap = ["get", "configmap", "-n", "kube-system", "kube-proxy"];
  const proxy = await context.kubectlJson<{ data: Record<string, string> }>(configMap);
  const tokens = async (type: string): Promise<string[]> => {
    const path = "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}";
    return (await context.kubectl(["get", "secrets", "-A", `--field-selector=type=${type}`, "-o", path]))
      .split(" ")
      .filter((name) => name !== "");
  };
  return {
    machines,
    kubeProxy: Object.values(proxy.data).join("\n---\n"),
    tokens: {
      "kubernetes.io/service-account-token": await tokens("kubernetes.io/service-account-token"),
      "bootstrap.kubernetes.io/token": await tokens("bootstrap.kubernetes.io/token"),
    },
  };
}

/** Parses the output of `script`. */
export function parseMachine(name: string, role: Machine["role"], output: string): MachineFacts {
  const processes = new Map<string, Process>();
  const texts = new Map<string, string>();
  let files: FileFact[] = [];
  for (const section of output.split(separator).slice(1)) {
    const end = section.indexOf("\n");
    const [kind = "", what = "", user = ""] = section.slice(0, end).split(" ");
    const body = section.slice(end + 1);
    if (kind === "process") processes.set(what, { user: Number(user), flags: parseFlags(body.split("\n")) });
    else if (kind === "text") texts.set(what, body);
    else if (kind === "files") files = body.split("\n").flatMap(parseFile);
  }
  return { name, role, processes, files, texts };
}

/** Arguments to flags: `--name=value`, `--name`, with one dash or two. */
export function parseFlags(args: readonly string[]): Map<string, string> {
  return new Map(
    args.flatMap((argument) => {
      const match = /^--?([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/.exec(argument);
      return match ? [[match[1] ?? "", match[2] ?? "true"] as const] : [];
    }),
  );
}

/** A line of `find -printf '%m %u:%g %y %p\n'`; links are skipped, since their targets are listed. */
export function parseFile(line: string): FileFact[] {
  const match = /^([0-7]{1,4}) (\S+:\S+) ([a-z]) (\/.*)$/.exec(line);
  if (!match || match[3] === "l") return [];
  return [
    {
      mode: parseInt(match[1] ?? "", 8),
      owner: match[2] ?? "",
      kind: match[3] === "f" ? "file" : match[3] === "d" ? "directory" : "other",
      path: match[4] ?? "",
    },
  ];
}
