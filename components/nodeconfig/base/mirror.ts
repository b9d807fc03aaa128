/** Addresses of mirrors. Pure. */
import type { MirrorSpec } from "../../spec/cluster.js";

/** Address from which machines download a release file: the original's, or the mirror's. */
export function releaseUrl(mirrors: Pick<MirrorSpec, "releases">, original: string): string {
  if (!mirrors.releases) {
    return original;
  }
  const { host, pathname } = new URL(original);
  return `${mirrors.releases.replace(/\/+$/, "")}/${host}${pathname}`;
}

/**
 * containerd's hosts file of a registry. It names the mirror only: without it, images would silently come from the original
 * registry, or, without internet access, errors would not name the mirror.
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
