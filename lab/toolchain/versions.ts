/** The pinned versions of everything that the lab builds or downloads: `versions.json`, the product's own file. */
import { readFileSync } from "node:fs";
import versionsFile from "../../versions.json";

export interface PinnedFile {
  readonly url: string;
  readonly sha256: string;
}

export interface PinnedImage {
  /** Name with host and tag. */
  readonly name: string;
  /** Digest of its manifest or index; null: not known. */
  readonly digest: string | null;
}

export interface Versions {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly flatcar: { readonly version: string };
  readonly releases: Readonly<Record<"kubelet" | "kubectl" | "etcd" | "cni-plugins", PinnedFile>>;
  readonly images: Readonly<Record<string, PinnedImage>>;
  readonly toolchain: {
    readonly pulumi: string;
    readonly go: string;
    readonly containerd: string;
    readonly runc: string;
    readonly ignition: string;
    readonly "flannel-cni": string;
    readonly distribution: string;
    /** Client of DigitalOcean's API: of the stand-in for its controller manager, and of a test. */
    readonly godo: string;
    /** Lint of the pipelines' workflows; only the tests use it. */
    readonly actionlint: string;
    /** Strict check of Kubernetes objects; only the tests use it. */
    readonly kubeconform: string;
    /** Official files whose checksum is confirmed; a tool without one is built from source. */
    readonly downloads: Readonly<Record<string, PinnedFile>>;
    /** Images to try a cluster with; the mirror has them under the tag `latest` too. */
    readonly tryout: Readonly<Record<"busybox" | "nginx", PinnedImage>>;
  };
}

const otherFile = process.env["COREKUBE_VERSIONS"];

/** COREKUBE_VERSIONS names another file: the tests serve downloads of their own, with their own checksums. */
export const versions: Versions = otherFile ? (JSON.parse(readFileSync(otherFile, "utf8")) as Versions) : versionsFile;

/** Version in an image's tag, without the leading `v`: "1.14.7" of `registry.k8s.io/coredns/coredns:v1.14.7`. */
export function imageVersion(image: string, from: Versions = versions): string {
  const name = from.images[image]?.name;
  const tag = name?.slice(name.lastIndexOf(":") + 1);
  if (!tag) throw new Error(`versions.json: images has no "${image}" with a tag; the lab needs its version`);
  return tag.replace(/^v/, "");
}

/** Version in a release's address, without the leading `v`: "1.9.1" of `.../releases/download/v1.9.1/cni-plugins-...`. */
export function releaseVersion(release: "cni-plugins", from: Versions = versions): string {
  const version = /\/v(\d+\.\d+\.\d+)\//.exec(from.releases[release].url)?.[1];
  if (!version)
    throw new Error(
      `versions.json: releases.${release}.url "${from.releases[release].url}" has no version in its path (expected .../v1.2.3/...)`,
    );
  return version;
}
