/** Settings of Velero that are accepted, and such that are refused. */
import type { Refusal, Settings } from "./cases.js";

/** As in the stack's settings, where they are secrets. */
export const veleroKeys: Settings = {
  "velero:access_key_id": "key-of-the-bucket",
  "velero:secret_access_key": "secret-of-the-key",
};

/** A cluster with it, and its keys. */
export const withVelero = (changes: Settings = {}): Settings => ({
  ...veleroKeys,
  addons: { velero: { enabled: true, bucket: "backups", ...changes } },
});

export const validVelero: readonly Settings[] = [
  withVelero(),
  // Without the keys, as long as it is off.
  { addons: { velero: { bucket: "backups", schedule: "" } } },
  withVelero({
    bucket: "acme.backups-2",
    prefix: "clusters/prod",
    region: "fra1",
    endpoint: "https://fra1.digitaloceanspaces.com",
    path_style: true,
    schedule: "*/30 0-6,22 1,15 jan-mar,dec mon-fri/2",
    keep_days: 3650,
    cpus: 0.5,
    mem: 512,
    mem_limit: 1024,
  }),
  ...["", "@daily", "0 3 * * *", "59 23 31 12 6"].map((schedule) => withVelero({ schedule })),
  ...["http://10.0.0.5:9000", "http://192.168.1.9", "http://172.31.0.1:7070"].map((endpoint) =>
    withVelero({ endpoint }),
  ),
];

const refused = (settings: Settings, name: string, remedy: string): Refusal => ({
  settings,
  paths: [name.includes(":") ? name : `addons.velero.${name}`],
  remedy,
});

const wrongTimes = ["3 * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "5-1 * * * *"];

export const invalidVelero: readonly Refusal[] = [
  refused(
    { ...veleroKeys, addons: { velero: { enabled: true } } },
    "bucket",
    "the name of a bucket that exists (addons.velero.enabled is true). Set it: pulumi config set --path 'addons.velero.bucket' <value>",
  ),
  ...Object.keys(veleroKeys).map((key) =>
    refused(
      Object.fromEntries(Object.entries(withVelero()).filter(([name]) => name !== key)),
      key,
      `Set it: pulumi config set --secret ${key}`,
    ),
  ),
  ...["Backups", "ab", "-ab", "s3://backups", `${"a".repeat(64)}`].map((bucket) =>
    refused(withVelero({ bucket }), "bucket", "3 to 63 lower-case letters, digits, dots and dashes"),
  ),
  ...["/prod", "prod/", "a b"].map((prefix) => refused(withVelero({ prefix }), "prefix", "without one at its ends")),
  refused(withVelero({ region: "Frankfurt 1" }), "region", "a name such as eu-central-1"),
  refused(withVelero({ endpoint: "fra1.digitaloceanspaces.com" }), "endpoint", "an http or https address"),
  refused(
    withVelero({ endpoint: "http://fra1.digitaloceanspaces.com" }),
    "endpoint",
    "an https address: Secrets are in the backups",
  ),
  refused(
    withVelero({ endpoint: "http://192.0.2.9:9000" }),
    "endpoint",
    "Set it: pulumi config set --path 'addons.velero.endpoint' https://192.0.2.9:9000",
  ),
  ...[...wrongTimes, "daily", "@every 5m", "0 3 * * * *", "*/0 * * * *", "1- * * * *", ", * * * *"].map((schedule) =>
    refused(withVelero({ schedule }), "schedule", "times as cron has them, such as 0 3 * * *, or @daily"),
  ),
  refused(withVelero({ keep_days: 0 }), "keep_days", "a whole number of days from 1 to 3650"),
  refused(withVelero({ mem_limit: 64 }), "mem_limit", "at least addons.velero.mem (128)"),
];
