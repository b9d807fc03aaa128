/** The container runtime, which is part of the operating system. */
import type { ClusterSpec, LogLevel } from "../spec/cluster.js";
import { units } from "../contract/units.js";
import { imageReference } from "../spec/versions.js";
import { hostsToml } from "./base/mirror.js";
import { proxyFile, registriesDirectory } from "../contract/paths.js";
import { file, type NodeConfig } from "./base/types.js";

const config = "/etc/containerd/config.toml";
/** A machine image may extend the configuration here. */
const dropins = "/etc/containerd/conf.d";

/** Schema 3 of the configuration: every containerd 2 reads it. */
function containerdConfig(pause: string, level: LogLevel): string {
  return `version = 3
imports = ["${dropins}/*.toml"]
oom_score = -999

[debug]
level = "${level.toLowerCase()}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${pause}"

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = "${registriesDirectory}"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
`;
}

/** Configuration and registries, for the operating system's own unit. */
export function containerd(spec: Pick<ClusterSpec, "images" | "mirrors" | "logLevel">): Partial<NodeConfig> {
  const pause = spec.images["pause"];
  if (!pause) {
    throw new Error("images.pause: got nothing; pods need its image; add it to versions/common.json");
  }
  return {
    directories: [{ path: dropins, mode: 0o755 }],
    files: [
      file(config, containerdConfig(imageReference(pause), spec.logLevel)),
      ...Object.entries(spec.mirrors.registries).map(([host, mirror]) =>
        file(`${registriesDirectory}/${host}/hosts.toml`, hostsToml(mirror)),
      ),
    ],
    units: [
      {
        name: units.containerd,
        dropins: {
          "10-corekube.conf": `[Service]\nEnvironment=CONTAINERD_CONFIG=${config}\nEnvironmentFile=-${proxyFile}\n`,
        },
      },
    ],
  };
}
