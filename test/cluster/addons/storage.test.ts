/** Volumes on the machines' own disks, used as a person would: claims, pods that come and go, and what is left on the machines. */
import assert from "node:assert/strict";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { until } from "../../../lab/process/until.js";
import { config, progress } from "../region.js";
import { nameOf, Scaling } from "../support/scale.js";
import { example, withCluster } from "./support.js";

const folder = "/var/lib/local-path";
const namespace = "default";
const minute = 60_000;

interface Volume {
  readonly name: string;
  readonly path: string;
  readonly node: string;
}

describe("volumes without a cloud provider", function () {
  this.timeout(10 * minute);
  const { context, changes } = withCluster();

  const ready = (of: CheckContext, pod: string): Promise<string> =>
    of.kubectl(["wait", "-n", namespace, "--for=condition=Ready", `pod/${pod}`, "--timeout=180s"], {
      timeout: 190_000,
    });
  const served = (of: CheckContext): Promise<string> =>
    of.kubectl(["get", "--raw", `/api/v1/namespaces/${namespace}/pods/http-archive:80/proxy/index.html`]);
  const volumeOf = async (of: CheckContext, claim: string): Promise<Volume> => {
    const name = await of.kubectlValue("{.spec.volumeName}", "pvc", claim, "-n", namespace);
    assert.notEqual(name, "", `${claim} is not bound`);
    const { spec } = await of.kubectlJson<{
      spec: {
        local: { path: string };
        nodeAffinity: { required: { nodeSelectorTerms: { matchExpressions: { values: string[] }[] }[] } };
      };
    }>(["get", "pv", name]);
    return {
      name,
      path: spec.local.path,
      node: spec.nodeAffinity.required.nodeSelectorTerms[0]!.matchExpressions[0]!.values[0]!,
    };
  };
  const onMachine = (of: CheckContext, node: string, command: string): Promise<string> =>
    of.inMachine(
      of.machines().find(({ name }) => name === node)!,
      command,
    );

  /** Says what it found, and else leaves a file that only its user may read. */
  const write =
    "cat /data/private/file || { mkdir -m 700 /data/private && echo kept > /data/private/file; }; sleep infinity";

  /** A pod of an ordinary user with a claim that names no class. */
  const userPod = (name: string, node: string): object[] => [
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name, namespace },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      spec: {
        terminationGracePeriodSeconds: 1,
        nodeSelector: { "kubernetes.io/hostname": node },
        tolerations: [{ key: "dedicated", operator: "Exists" }],
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            name,
            image: "docker.io/library/busybox:1.35",
            command: ["sh", "-c", write],
            readinessProbe: { exec: { command: ["cat", "/data/private/file"] }, periodSeconds: 1 },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            volumeMounts: [{ name: "data", mountPath: "/data" }],
          },
        ],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: name } }],
      },
    },
  ];

  it("the example's claim binds, and its pod serves what is written to the volume", async () => {
    const cluster = await context();
    await cluster.apply(...example("storage/http-archive.yaml"));
    await ready(cluster, "http-archive");
    const volume = await volumeOf(cluster, "http-archive");
    assert.ok(volume.path.startsWith(`${folder}/`), volume.path);
    await onMachine(cluster, volume.node, `echo from the volume > ${volume.path}/index.html`);
    assert.equal(await served(cluster), "from the volume\n");
  });

  it("what is written is there for the next pod, on the same machine", async () => {
    const cluster = await context();
    const { node } = await volumeOf(cluster, "http-archive");
    await cluster.kubectl(["delete", "pod", "-n", namespace, "http-archive"]);
    await cluster.apply(...example("storage/http-archive.yaml"));
    await ready(cluster, "http-archive");
    assert.equal(await served(cluster), "from the volume\n");
    assert.equal(await cluster.kubectlValue("{.spec.nodeName}", "pod", "http-archive", "-n", namespace), node);
  });

  it("a claim without a class binds on a machine with a taint, for a pod without rights", async () => {
    const cluster = await context();
    const taken = await volumeOf(cluster, "http-archive");
    const node = cluster.machines("worker").find(({ name }) => name !== taken.node)!.name;
    await cluster.kubectl(["taint", "node", node, "dedicated=storage:NoExecute"]);
    try {
      await cluster.apply(...userPod("by-user", node));
      await ready(cluster, "by-user");
      assert.equal(await cluster.kubectlValue("{.spec.storageClassName}", "pvc", "by-user", "-n", namespace), "ssd");
      const volume = await volumeOf(cluster, "by-user");
      assert.equal(volume.node, node);
      assert.equal(await onMachine(cluster, node, `cat ${volume.path}/private/file`), "kept\n");
      await cluster.kubectl(["delete", "pod", "-n", namespace, "by-user"]);
      await cluster.apply(...userPod("by-user", node));
      await ready(cluster, "by-user");
      assert.equal(await cluster.kubectl(["logs", "-n", namespace, "by-user"]), "kept\n");
    } finally {
      await cluster.kubectl(["taint", "node", node, "dedicated-"]);
    }
  });

  it("a claim that is deleted takes its volume and the folder on the machine along, whoever wrote the files", async () => {
    const cluster = await context();
    const claims = ["http-archive", "by-user"];
    const volumes = await Promise.all(claims.map((claim) => volumeOf(cluster, claim)));
    await cluster.kubectl(["delete", "-n", namespace, ...claims.flatMap((name) => [`pod/${name}`, `pvc/${name}`])]);
    await until(
      "the volumes are gone",
      { timeout: 3 * minute, signal: progress.signal },
      async () => (await cluster.kubectlValue("{.items[*].metadata.name}", "pv")) === "",
    );
    for (const { node, path } of volumes) {
      assert.equal(await onMachine(cluster, node, `ls -A ${folder}`), "", `${node} still has ${path}`);
    }
    const helpers = await cluster.kubectlValue("{.items[*].metadata.name}", "pods", "-n", "local-path-storage");
    assert.match(helpers, /^local-path-provisioner-\S+$/);
  });

  it("turned off, a preview removes what belongs to it and nothing else, and nothing is left", async () => {
    await changes.set({ "addons.local_path.enabled": "false" });
    const planned = await new Scaling(config, "dev", progress).changes();
    assert.ok(planned.length > 0);
    for (const { op, urn } of planned) {
      assert.equal(op, "delete", urn);
      assert.match(nameOf(urn), /local-path|-(ssd|cold-hdd)$/);
    }
    await changes.up();
    await changes.settled();
    const cluster = await context();
    assert.equal(await cluster.kubectlValue("{.items[*].metadata.name}", "storageclasses"), "");
    for (const kind of ["namespaces", "clusterroles", "clusterrolebindings"]) {
      const names = await cluster.kubectlValue("{.items[*].metadata.name}", kind);
      assert.doesNotMatch(names, /local-path/, kind);
    }
  });
});
