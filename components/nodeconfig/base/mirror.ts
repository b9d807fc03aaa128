/** Addresses of mirrors. Pure. */
import type { MirrorSpec } from "../../spec/cluster.js";

/** Where machines get a release file: the original's address, or its place in the mirror. */
export function releaseUrl(mirrors: Pick<MirrorSpec, "releases">, original: string): string {
  if (!mirrors.releases) {
    return original;
  }
  const { host, pathname } = new URL(original);
  return `${mirrors.releases.replace(/\/+$/, "")}/${host}${pathname}`;
}

/**
 * Where the container runtime asks for a registry's images: the mirror and nothing else, so that a cluster without a way
 * out fails with the mirror's name, and a cluster with one does not go around its mirror unnoticed.
 *
 * https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
export function hostsToml(mirror: string): string {
  const { origin, pathname } = new URL(mirror);
  const api = `${origin}/v2${pathname.replace(/\/+$/, "")}`;
  return `server = "${api}"

[host."${api}"]
capabilities = ["pull", "resolve"]
override_path = true
`;
}
