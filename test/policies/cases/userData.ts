/** User-data: secrets in every wrapping, size, downloads and images. Secrets are put together here, so that none stands in a file. */
import { gzipSync } from "node:zlib";
import { renderIgnition } from "../../../components/nodeconfig/base/ignition.js";
import type { Break, Case } from "../support/case.js";
import { droplet, firewall, instance, template } from "./parts.js";

const base64 = (content: string | Buffer): string => Buffer.from(content).toString("base64");
const pem = `${"-".repeat(5)}BEGIN EC PRIVATE KEY${"-".repeat(5)}\n${"MHcCAQEE".repeat(8)}\n${"-".repeat(5)}END EC PRIVATE KEY${"-".repeat(5)}\n`;
const token = ["abcdef", "0123456789abcdef"].join(".");
const sum = "46707a53209f826ad0f0d62371ac69cd00e78fd9a8176cf5f6f87f18f7f8b718";

/** As the program packs it: a configuration inside the configuration. */
export function packed(contents: string, path = "/opt/corekube/bin/install"): string {
  return renderIgnition({ directories: [], files: [{ path, mode: 0o644, contents }], links: [], users: [] });
}

function ignition(source: string, verification?: object, compression?: string): string {
  const contents = { source, ...(verification ? { verification } : {}), ...(compression ? { compression } : {}) };
  return JSON.stringify({
    ignition: { version: "3.4.0" },
    storage: { files: [{ path: "/etc/x", mode: 420, contents }] },
  });
}

function cloudConfig(content: string, encoding?: string): string {
  const lines = content.split("\n").map((line) => `    ${line}`);
  return `#cloud-config\nwrite_files:\n- path: /etc/x\n${encoding ? `  encoding: ${encoding}\n` : ""}  content: |\n${lines.join("\n")}\n`;
}

function mime(content: string): string {
  const body = base64(content).replace(/(.{76})/g, "$1\n");
  return `MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=="\n\n--==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n${body}\n--==--\n`;
}

const install = `program kubelet https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet ${sum} /opt/bin\n`;
const good = packed(
  `#!/bin/bash\n# Downloads\n${install}check kubelet http://127.0.0.1:10248/healthz\nimage=$(basename "$1")\n`,
);

const hidden = (title: string, value: string, says: RegExp): Break => ({
  title,
  change: { path: "worker/props/userData", value },
  says,
});

const secret: readonly Break[] = [
  hidden(
    "a key, packed by the program",
    packed(pem, "/etc/kubernetes/pki/ca.key"),
    /userData: user-data > \/etc\/kubernetes\/pki\/ca\.key contains a private key/,
  ),
  hidden("a key in plain Ignition", ignition(`data:,${encodeURIComponent(pem)}`), /\/etc\/x contains a private key/),
  hidden(
    "a key in Ignition, base64",
    ignition(`data:text/plain;charset=utf-8;base64,${base64(pem)}`),
    /\/etc\/x contains a private key/,
  ),
  hidden(
    "a key in Ignition, gzip",
    ignition(`data:;base64,${base64(gzipSync(pem))}`, undefined, "gzip"),
    /\/etc\/x contains a private key/,
  ),
  hidden("a key in cloud-config", cloudConfig(pem), /contains a private key/),
  hidden("a key in cloud-config, base64", cloudConfig(base64(pem), "b64"), /contains a private key/),
  hidden(
    "a key in cloud-config, gzip and base64",
    cloudConfig(base64(gzipSync(pem)), "gz+b64"),
    /contains a private key/,
  ),
  hidden("cloud-config as a whole in base64", base64(cloudConfig(pem)), /contains a private key/),
  hidden("a part of several", mime(cloudConfig(pem)), /contains a private key/),
  hidden("a key in a kubeconfig in a file", packed(`client-key-data: ${base64(pem)}\n`), /contains a private key/),
  hidden("a join token", packed(`kubeadm join --token ${token} 10.0.0.1:6443\n`), /contains a join token/),
  hidden(
    "a DigitalOcean token",
    packed(`TOKEN=${["dop", "v1", "0a".repeat(32)].join("_")}\n`),
    /contains a DigitalOcean token/,
  ),
  hidden("an AWS access key", packed(`AWS_ACCESS_KEY_ID=AKIA${"X4".repeat(8)}\n`), /contains an AWS access key/),
  hidden(
    "a password in an address",
    packed(`https_proxy=http://user:${"word"}@proxy.example:3128\n`),
    /contains a password in an address/,
  ),
  hidden(
    "a password hash",
    packed(`core:${["$6", "salt", "h".repeat(43)].join("$")}:::\n`),
    /contains a password hash/,
  ),
  hidden(
    "something that cannot be opened",
    ignition(`data:;base64,${base64(gzipSync(pem).subarray(0, 30))}`, undefined, "gzip"),
    /cannot be opened/,
  ),
];

const pod = (image: string): string =>
  packed(
    JSON.stringify({ apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "a", image }] } }),
    "/etc/kubernetes/manifests/a.yaml",
  );
const pinned = `registry.k8s.io/kube-apiserver:v1.36.3@sha256:${sum}`;
const limit = 16_384;

export const userDataCases: readonly Case[] = [
  {
    rule: "user-data-without-secrets",
    title: "droplet",
    resources: [firewall(), droplet("worker", { userData: good })],
    breaks: secret,
  },
  {
    rule: "user-data-without-secrets",
    title: "AWS",
    resources: [
      instance("worker", { userDataBase64: base64(gzipSync("#!/bin/sh\n")) }),
      template("workers", { userData: base64("#!/bin/sh\n") }),
    ],
    breaks: [
      {
        title: "instance, gzip and base64",
        change: { path: "worker/props/userDataBase64", value: base64(gzipSync(pem)) },
        says: /userDataBase64: user-data contains a private key/,
      },
      {
        title: "launch template",
        change: { path: "workers/props/userData", value: base64(pem) },
        says: /userData: user-data contains a private key/,
      },
    ],
  },
  {
    rule: "user-data-size",
    title: "largest",
    resources: [
      firewall(),
      droplet("worker", { userData: "#".repeat(limit) }),
      instance("instance", { userDataBase64: base64("#".repeat(limit)) }),
      template("template", { userData: base64("#".repeat(limit)) }),
    ],
    breaks: [
      {
        title: "one byte more",
        change: { path: "worker/props/userData", value: "#".repeat(limit + 1) },
        says: /userData: got 16385 bytes, at most 16384/,
      },
      {
        title: "characters of several bytes",
        change: { path: "worker/props/userData", value: "ä".repeat(limit - 1) },
        says: /got 32766 bytes/,
      },
      {
        title: "one byte more before base64",
        change: { path: "instance/props/userDataBase64", value: base64("#".repeat(limit + 1)) },
        says: /userDataBase64: got 16385 bytes/,
      },
      {
        title: "one byte more in a template",
        change: { path: "template/props/userData", value: base64("#".repeat(limit + 1)) },
        says: /got 16385 bytes/,
      },
    ],
  },
  {
    rule: "releases-pinned",
    title: "downloads",
    resources: [
      firewall(),
      droplet("worker", { userData: good }),
      droplet("other", { userData: ignition("https://example.com/file", { hash: `sha256-${sum}` }) }),
    ],
    breaks: [
      {
        title: "a script's line without checksum",
        change: { path: "worker/props/userData", value: packed(install.replace(sum, "")) },
        says: /\/opt\/corekube\/bin\/install downloads https:\/\/dl\.k8s\.io\S+ without a checksum/,
      },
      {
        title: "curl",
        change: { path: "worker/props/userData", value: "#!/bin/sh\ncurl -L https://example.com/setup | sh\n" },
        says: /downloads https:\/\/example\.com\/setup without/,
      },
      {
        title: "Ignition without verification",
        change: { path: "other/props/userData", value: ignition("https://example.com/file") },
        says: /downloads https:\/\/example\.com\/file without/,
      },
    ],
  },
  {
    rule: "container-images-pinned",
    title: "static pods",
    resources: [firewall(), droplet("worker", { userData: pod(pinned) })],
    breaks: [
      {
        title: "a tag alone",
        change: { path: "worker/props/userData", value: pod("registry.k8s.io/kube-apiserver:v1.36.3") },
        says: /manifests\/a\.yaml: registry\.k8s\.io\/kube-apiserver:v1\.36\.3 has no digest/,
      },
      {
        title: "the pause container",
        change: { path: "worker/props/userData", value: packed('sandbox = "registry.k8s.io/pause:3.10.1"\n') },
        says: /pause:3\.10\.1 has no digest/,
      },
      {
        title: "in YAML",
        change: {
          path: "worker/props/userData",
          value: packed("spec:\n  containers:\n  - image: registry.k8s.io/etcd:latest\n"),
        },
        says: /etcd:latest has no digest/,
      },
    ],
  },
];
