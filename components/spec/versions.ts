/** The catalogue of releases, from the folder `versions/`: the one place from which code reads it. */
import common from "../../versions/common.json";
import removed from "../../versions/removed.json";
import v1_35_4 from "../../versions/1.35.4.json";
import v1_36_1 from "../../versions/1.36.1.json";
import v1_36_3 from "../../versions/1.36.3.json";

/** A file that machines download. */
export interface Release {
  /** Address of the original. */
  readonly url: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

/** A container image. */
export interface Image {
  /** Name with tag. */
  readonly name: string;
  /** `sha256:<hex>`; null where only the tag is known. */
  readonly digest: string | null;
}

/** What only one release has: the content of its file. */
interface OwnPart {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly "aws-cloud-controller-manager": string;
  readonly releases: Readonly<Record<"kubelet" | "kubectl", Release>>;
  readonly images: Readonly<
    Record<"kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kube-proxy", Image>
  >;
}

/** Everything that belongs to one release of Kubernetes. */
export interface KubernetesRelease {
  /** Version of Kubernetes, such as "1.36.3". */
  readonly kubernetes: string;
  /** Version of etcd. */
  readonly etcd: string;
  readonly releases: Readonly<Record<"kubelet" | "kubectl" | "etcd" | "cni-plugins", Release>>;
  readonly images: Readonly<
    Record<keyof OwnPart["images"] | keyof typeof common.images | "aws-cloud-controller-manager", Image>
  >;
}

const owns: readonly OwnPart[] = [v1_35_4, v1_36_1, v1_36_3];

/** By version, oldest first. */
export const catalogue: Readonly<Record<string, KubernetesRelease>> = Object.fromEntries(
  owns.map((own) => [own.kubernetes, complete(own)]),
);

/** All versions of the catalogue, oldest first. */
export const catalogueVersions = Object.keys(catalogue) as [string, ...string[]];

/** What a new cluster gets. */
export const newestVersion = catalogueVersions.at(-1)!;

/** What does not depend on the release of Kubernetes. */
export const { flatcar, toolchain } = common;

/** @throws Error for a version that is not in the catalogue; settings are checked before. */
export function releaseOf(version: string): KubernetesRelease {
  const release = catalogue[version];
  if (!release) throw new Error(`versions/: got "${version}"; the catalogue has ${catalogueVersions.join(", ")}`);
  return release;
}

/** A release with what it shares with others, which the folder has once. */
function complete(own: OwnPart): KubernetesRelease {
  const manager = "aws-cloud-controller-manager";
  return {
    kubernetes: own.kubernetes,
    etcd: own.etcd,
    releases: { ...own.releases, etcd: shared<Release>(own, "etcd"), ...common.releases },
    images: { ...own.images, [manager]: shared<Image>(own, manager), ...common.images },
  };
}

function shared<Content>(own: OwnPart, part: "etcd" | "aws-cloud-controller-manager"): Content {
  const known: Readonly<Record<string, unknown>> = common[part];
  const found = known[own[part]];
  if (found === undefined)
    throw new Error(
      `versions/${own.kubernetes}.json: ${part}: got "${own[part]}"; versions/common.json has ${Object.keys(known).join(", ")}`,
    );
  return found as Content;
}

/** Versions of the API that a minor does not serve any more, with their kinds; undefined: not known. */
export function removedIn(version: string): readonly string[] | undefined {
  return (removed as Readonly<Record<string, readonly string[]>>)[version.split(".").slice(0, 2).join(".")];
}

/** Reference under which an image is pulled: by digest where one is known. */
export function imageReference(image: Image): string {
  return image.digest ? `${image.name}@${image.digest}` : image.name;
}
