/** Ports of the machines' own network: no two pods that can share a machine use one, and the firewall table knows them all. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { addonPorts } from "../../components/addons/list.js";
import { takenPorts } from "../../components/cloud/firewall.js";
import { cloudNamed } from "../../components/clouds.js";
import { templateDirectory } from "../../components/contract/paths.js";
import { nodeConfig } from "../../components/nodeconfig/index.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { cloudSpec, setToken } from "./support/cloudSpecs.js";
import { type Run, runProgram, runTimeout } from "./support/registrations.js";
import { awsTestSpec, testSpec } from "./support/spec.js";

interface Probe {
  readonly httpGet?: { readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly containerPort: number; readonly hostPort?: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly configMap?: { readonly name: string } }[];
  readonly affinity?: {
    readonly nodeAffinity?: object;
    readonly podAntiAffinity?: { readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly object[] };
  };
}

interface Found {
  readonly name: string;
  /** More than one on a machine, unless their affinity keeps them apart. */
  readonly replicated: boolean;
  readonly spec: PodSpec;
}

/**
 * Ports that programs open although nothing tells them to, with the flag or variable that changes it:
 * the programs' own sources at the versions in versions/.
 */
const unasked: readonly (readonly [image: RegExp, port: number, unless: RegExp])[] = [
  [/\/kube-apiserver:/, 6443, /^--secure-port=/],
  [/\/kube-controller-manager:/, 10257, /^--secure-port=/],
  [/\/kube-scheduler:/, 10259, /^--secure-port=/],
  [/cloud-controller-manager:/, 10258, /^--secure-port=/],
  // Its metrics are served with Go's own default, port 80.
  [/\/digitalocean-cloud-controller-manager:/, 80, /^METRICS_ADDR=/],
  [/\/livenessprobe:/, 9808, /^--(http-endpoint|health-port)=/],
];

/** Settings that name a port of another program, or an address to call. */
const ofOthers = /^(KUBERNETES_SERVICE_|--etcd-servers|--server|--url|--csi-address|--advertise-|--default-volumes)/;
const names = /port|addr|bind|endpoint|listen/i;

const portOf = (value: string): number[] => {
  const [, port] = /(?:^|:)(\d{1,5})$/.exec(value) ?? [];
  return port === undefined || Number(port) === 0 ? [] : [Number(port)];
};

/** Ports that a container opens. */
function opens({ image, command = [], args = [], env = [], ports = [] }: Container): number[] {
  const settings = [...command, ...args, ...env.map(({ name, value }) => `${name}=${value ?? ""}`)];
  const asked = settings.flatMap((setting) => {
    const [, name = "", value = ""] = /^(-{0,2}[A-Za-z][\w-]*)=(.*)$/s.exec(setting) ?? [];
    return names.test(name) && !ofOthers.test(name) ? portOf(value) : [];
  });
  const byDefault = unasked
    .filter(([pattern, , unless]) => pattern.test(image) && !settings.some((setting) => unless.test(setting)))
    .map(([, port]) => port);
  return [...asked, ...byDefault, ...ports.map(({ hostPort, containerPort }) => hostPort ?? containerPort)];
}

/** Ports in the files of a pod that its programs listen on. */
const filePorts = (data: Readonly<Record<string, string>>): number[] =>
  Object.values(data).flatMap((text) =>
    [...text.matchAll(/BindAddress: .*?:(\d+)$/gm)].map(([, port]) => Number(port)),
  );

const probed = ({ livenessProbe, readinessProbe, startupProbe }: Container): number[] =>
  [livenessProbe, readinessProbe, startupProbe]
    .flatMap((probe) => [probe?.httpGet?.port, probe?.tcpSocket?.port])
    .filter((port) => typeof port === "number");

function podsOf(run: Run): Found[] {
  return ["DaemonSet", "Deployment"].flatMap((kind) =>
    run.of(kind).map(({ name, inputs }) => ({
      name,
      replicated: kind === "Deployment",
      spec: (inputs["spec"] as { template: { spec: PodSpec } }).template.spec,
    })),
  );
}

function staticPods(spec: ClusterSpec): Found[] {
  return nodeConfig(spec, "controller", cloudNamed(spec.cloud).profile)
    .files.filter(({ path }) => path.startsWith(`${templateDirectory}/`))
    .map(({ path, contents }) => ({
      name: path,
      replicated: false,
      spec: (parse(contents) as { spec: PodSpec }).spec,
    }));
}

/** Every combination of settings that decides which add-ons and pods there are. */
const clusters: readonly (readonly [string, ClusterSpec])[] = (["digitalocean", "aws"] as const).flatMap((cloud) =>
  [false, true].flatMap((highAvailability) =>
    (["flannel", "none"] as const).flatMap((networkProvider) => {
      const common = { highAvailability, networkProvider };
      const name = `${cloud}${highAvailability ? ", highly available" : ""}, network ${networkProvider}`;
      return [
        [`${name}, with its driver`, cloudSpec(cloud, common)],
        [`${name}, with the users' driver`, cloudSpec(cloud, { ...common, csiDriver: false })],
        [
          `${name}, no cloud provider`,
          (cloud === "aws" ? awsTestSpec : testSpec)({ ...common, cloudProvider: "none", csiDriver: false }),
        ],
      ] as const;
    }),
  ),
);

describe("ports of machines", function () {
  this.timeout(runTimeout);
  const found = new Map<string, readonly Found[]>();
  const used = new Map<string, ReadonlyMap<string, ReadonlySet<number>>>();

  before(async function () {
    this.timeout(4 * runTimeout);
    setToken();
    for (const [name, spec] of clusters) {
      const run = await runProgram(spec);
      const pods = [...staticPods(spec), ...podsOf(run)].filter(({ spec: { hostNetwork } }) => hostNetwork);
      const files = (pod: PodSpec): number[] =>
        (pod.volumes ?? []).flatMap(({ configMap }) =>
          run
            .of("ConfigMap")
            .filter(({ inputs }) => (inputs["metadata"] as { name: string }).name === configMap?.name)
            .flatMap(({ inputs }) => filePorts(inputs["data"] as Record<string, string>)),
        );
      found.set(name, pods);
      used.set(
        name,
        new Map(
          pods.map((pod) => [
            pod.name,
            new Set([
              ...[...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap((container) => [
                ...opens(container),
                ...probed(container),
              ]),
              ...files(pod.spec),
            ]),
          ]),
        ),
      );
    }
  });

  it("are found in every pod that is known to have some", () => {
    const digitalocean = used.get("digitalocean, highly available, network flannel, with its driver")!;
    const numbers = (name: string): number[] => [...(digitalocean.get(name) ?? [])].sort((a, b) => a - b);
    assert.deepEqual(numbers("dev-kube-proxy"), [10249, 10256]);
    assert.ok(numbers("dev-cloud-controller-manager").includes(10258));
    for (const name of ["dev-csi-controller", "dev-csi-node"].map((each) => each.replace("csi", "do-csi")))
      assert.equal(numbers(name).length, 1, name);
    const ports = [...digitalocean].filter(([name]) => name.startsWith("/")).flatMap(([, set]) => [...set]);
    for (const port of [6443, 10257, 10259]) assert.ok(ports.includes(port), String(port));
  });

  it("are used by one pod only, of those that can share a machine: on a controller all of them can", () => {
    for (const [cluster, pods] of used) {
      const users = new Map<number, string[]>();
      for (const [pod, ports] of pods) for (const port of ports) users.set(port, [...(users.get(port) ?? []), pod]);
      const twice = [...users].filter(([, list]) => list.length > 1).map(([port, list]) => `${port}: ${list.join()}`);
      assert.deepEqual(twice, [], cluster);
    }
  });

  it("are opened by one container of a pod only", () => {
    for (const [cluster, pods] of found) {
      for (const { name, spec } of pods) {
        const opened = spec.containers.flatMap((container) => [...new Set(opens(container))]);
        assert.equal(new Set(opened).size, opened.length, `${cluster}: ${name} ${opened.join()}`);
      }
    }
  });

  it("are not shared by two pods of one Deployment: these must be on different machines", () => {
    for (const [cluster, pods] of found) {
      for (const { name, spec } of pods.filter(({ replicated }) => replicated))
        assert.equal(
          spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length,
          1,
          `${cluster}: ${name}`,
        );
    }
  });

  it("are in the firewall table, so that node ports leave them free", () => {
    for (const [name, spec] of clusters) {
      const taken = takenPorts(addonPorts(spec));
      const own = new Map<number, string>([
        [22, "ssh"],
        [10248, "kubelet-health"],
        [10250, "kubelet"],
      ]);
      for (const [pod, ports] of used.get(name)!) {
        for (const port of ports) {
          assert.ok(taken.has(port), `${name}: ${pod} uses ${port}, which the table does not know`);
          assert.ok(!own.has(port), `${name}: ${pod} uses ${port} of ${own.get(port)}`);
          // Of public workers, for what users run; the machine's own services keep off.
          assert.ok(port !== 80 && port !== 443, `${name}: ${pod} uses ${port}, which is for users' pods`);
        }
      }
    }
  });
});
