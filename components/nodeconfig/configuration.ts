/**
 * What a machine gets at its first boot, in a few bytes: a digest of all of it, one of each part, and the settings in it. A machine reads
 * user-data once, so this is how a later run knows what it runs, and in what it differs.
 */
import { createHash } from "node:crypto";
import { configurationRecord } from "../contract/paths.js";
import type { Configuration } from "../contract/configurations.js";
import type { ClusterSpec, Role } from "../spec/cluster.js";
import { nodePool } from "../spec/pools.js";
import { file, type NodeConfig, type NodeFile } from "./base/types.js";

/** Hexadecimal digits of a digest that are kept: enough to tell configurations of one cluster apart. */
const digits = { whole: 16, part: 8 };
/** Longer values are kept as their digest. */
const longestValue = 60;

const sha256 = (text: string, length: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, length);

/** Every file, unit and user of the configuration, by the name under which the machine knows it. */
function partsOf(config: NodeConfig): Record<string, string> {
  return Object.fromEntries([
    ...config.directories.map(({ path, mode }) => [path, String(mode)]),
    ...config.files.map(({ path, mode, contents }) => [path, `${mode}\n${contents}`]),
    ...config.units.map(({ name, ...unit }) => [name, JSON.stringify(unit)]),
    ...config.users.map(({ name, sshPublicKeys }) => [`SSH keys of ${name}`, sshPublicKeys.join("\n")]),
  ]) as Record<string, string>;
}

/** Settings that are in user-data and may change: what else is in it cannot change, or replaces the machine. By the role's machines. */
function settingsOf(spec: ClusterSpec, role: Role): Record<string, unknown> {
  const everyMachine = {
    ssh_public_keys: spec.sshPublicKeys,
    log_level: spec.logLevel,
    "http_proxy, https_proxy, no_proxy": spec.proxy ?? "",
    mirrors: spec.mirrors,
    ntp_servers: spec.ntpServers,
  };
  switch (role) {
    case "etcd":
      return { ...everyMachine, "etcd.mem": spec.etcd.memory };
    case "controller":
      return {
        ...everyMachine,
        apiserver: spec.components["kube-apiserver"],
        controller_manager: spec.components["kube-controller-manager"],
        scheduler: spec.components["kube-scheduler"],
      };
    case "worker":
      return { ...everyMachine, reserved_resources: nodePool(spec, role).resources };
    case "public":
      return { ...everyMachine, public_reserved_resources: nodePool(spec, role).resources };
    default:
      return role satisfies never;
  }
}

/** @param config What the machines of the role get, without its record. */
export function describeConfiguration(spec: ClusterSpec, role: Role, config: NodeConfig): Configuration {
  const parts = partsOf(config);
  const shown = (value: unknown): string => {
    const text = JSON.stringify(value);
    return text.length <= longestValue ? text : `sha256:${sha256(text, digits.part)}`;
  };
  return {
    digest: sha256(JSON.stringify(Object.entries(parts).sort()), digits.whole),
    settings: Object.fromEntries(Object.entries(settingsOf(spec, role)).map(([name, value]) => [name, shown(value)])),
    parts: Object.fromEntries(Object.entries(parts).map(([name, content]) => [name, sha256(content, digits.part)])),
  };
}

/** The digest on the machine itself, which says later what it was made with. */
export function recordOf({ digest }: Configuration): NodeFile {
  return file(configurationRecord, `CONFIGURATION=${digest}\n`);
}
