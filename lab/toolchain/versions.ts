/** What the lab builds or downloads for a release of Kubernetes: the product's own catalogue. */
import {
  catalogueVersions,
  flatcar,
  type KubernetesRelease,
  newestVersion,
  releaseOf,
  toolchain,
} from "../../components/spec/versions.js";

export { catalogueVersions };
export type { Image as PinnedImage, Release as PinnedFile } from "../../components/spec/versions.js";

/** A release, and what does not depend on it. */
export interface Versions extends KubernetesRelease {
  readonly flatcar: typeof flatcar;
  readonly toolchain: typeof toolchain;
}

/** @throws Error that names the versions there are. */
export const versionsOf = (kubernetes: string): Versions => ({ ...releaseOf(kubernetes), flatcar, toolchain });

/** Those of the newest release. */
export const versions = versionsOf(newestVersion);

/** Version in an image's tag, without the leading `v`: "1.14.7" of `registry.k8s.io/coredns/coredns:v1.14.7`. */
export function imageVersion(image: keyof Versions["images"], from: Versions = versions): string {
  const { name } = from.images[image];
  return name.slice(name.lastIndexOf(":") + 1).replace(/^v/, "");
}

/** Version in a release's address, without the leading `v`: "1.9.1" of `.../releases/download/v1.9.1/cni-plugins-...`. */
export function releaseVersion(release: "cni-plugins", from: Versions = versions): string {
  const { url } = from.releases[release];
  const version = /\/v(\d+\.\d+\.\d+)\//.exec(url)?.[1];
  if (!version)
    throw new Error(`versions/: releases.${release}.url "${url}" has no version in its path (expected .../v1.2.3/...)`);
  return version;
}
