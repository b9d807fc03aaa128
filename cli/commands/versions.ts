/** `corekube versions`: what the cluster runs, and what this checkout has. */
import { remarkOnImage } from "../../components/spec/image.js";
import { print, printJson, say } from "../output.js";
import { table } from "../../engine/table.js";
import { exitCodes, Problem, type ExitCode } from "../problem.js";
import { Stack, type StackOptions } from "../stack.js";
import { checkoutImage, checkoutReleases, runningVersions, type RunningVersions } from "../versions.js";

interface VersionsOptions extends StackOptions {
  readonly json?: boolean;
}

export async function versions(options: VersionsOptions): Promise<ExitCode> {
  const releases = checkoutReleases();
  const stack = new Stack(options);
  const { cluster, image } = await runs(stack);
  if (options.json === true) {
    printJson({ cluster: cluster ?? null, checkout: releases, checkoutImage: image });
    return exitCodes.ok;
  }
  print(
    table([
      ["KUBERNETES", "ETCD", "CLUSTER"],
      ...releases.map(({ kubernetes, etcd }) => [kubernetes, etcd, roleOf(kubernetes, cluster)]),
    ]),
  );
  if (cluster === undefined) return exitCodes.ok;
  if (cluster.kubernetes !== "" && !releases.some(({ kubernetes }) => kubernetes === cluster.kubernetes))
    print(
      `\nthe cluster runs Kubernetes ${cluster.kubernetes} and etcd ${cluster.etcd}, which this checkout does not have`,
    );
  const addons = Object.entries(cluster.addons).flatMap(([name, images]) => images.map((image) => [name, image]));
  if (cluster.image !== "") print(`\n${imageLines(cluster.image, image, stack.flags)}`);
  if (addons.length > 0) print(`\n${table([["ADD-ON", "IMAGE"], ...addons])}`);
  return exitCodes.ok;
}

function imageLines(cluster: string, checkout: string, flags: string): string {
  if (cluster === checkout) return `image of the machines, and of this checkout: ${cluster}`;
  const remark = remarkOnImage(cluster, checkout, flags);
  return remark ?? `image of the machines: ${cluster}\nimage of this checkout: ${checkout}`;
}

/** What the cluster has of a release. */
function roleOf(version: string, cluster: RunningVersions | undefined): string {
  if (cluster === undefined) return "";
  const { kubernetes, nodes, emulated, changingTo } = cluster;
  const parts = [
    version === kubernetes &&
      (kubernetes === nodes ? "runs it" : `control plane${emulated && `, emulates ${emulated}`}`),
    version === nodes && kubernetes !== nodes && "nodes and etcd",
    version === changingTo && "a run has begun to bring it",
  ];
  return parts.filter(Boolean).join("; ");
}

/** Without a stack, what the checkout has is still of use. */
async function runs(stack: Stack): Promise<{ readonly cluster?: RunningVersions; readonly image: string }> {
  try {
    const state = await stack.state();
    return { cluster: runningVersions(state), image: checkoutImage(state) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(`what the cluster runs is not known: ${error.message}`);
    return { image: "" };
  }
}
