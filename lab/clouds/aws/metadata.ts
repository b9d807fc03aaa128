/**
 * The instance metadata service of EC2 at 169.254.169.254, version 2 only: a token first, then everything with it.
 *
 * An instance is known by its source address, which the region's firewall does not let it forge. That a token's answer does not
 * leave the machine itself (the hop limit) is the firewall's work too: see region/addresses.ts.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { dirname, join } from "node:path";
import type { LabConfig } from "../../config.js";
import { type Tree, metadataPlace, serveMetadata, treeAt } from "../../region/metadataServer.js";
import { privateName } from "./desired.js";
import type { AwsInstance, AwsState } from "./state.js";

/** Seconds that a token may live. */
const ttlLimit = 21_600;

/** Versions of the tree that programs of an image ask for by date; all are the same here. */
const version = /^(1\.0|\d{4}-\d{2}-\d{2}|latest)$/;

export type Lookup = (address: string) => { readonly state: AwsState; readonly instance: AwsInstance } | undefined;

/** Credentials of a role, as the service gives them: moto takes any, so these open nothing. */
function credentials(state: AwsState, instance: AwsInstance, now: Date): string {
  const text = (label: string, length: number): string =>
    createHmac("sha256", `${state.epoch}/${instance.id}`)
      .update(label)
      .digest("base64url")
      .replaceAll(/[-_]/g, "A")
      .slice(0, length);
  return JSON.stringify(
    {
      Code: "Success",
      LastUpdated: now.toISOString().replace(/\.\d+Z$/, "Z"),
      Type: "AWS-HMAC",
      AccessKeyId: `ASIA${text("id", 16).toUpperCase()}`,
      SecretAccessKey: text("secret", 40),
      Token: `${text("token", 40)}${text("more", 40)}`,
      Expiration: new Date(now.getTime() + 6 * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z"),
    },
    undefined,
    2,
  );
}

function identityDocument(state: AwsState, instance: AwsInstance): string {
  return JSON.stringify(
    {
      accountId: state.account,
      architecture: "x86_64",
      availabilityZone: instance.zone,
      billingProducts: null,
      devpayProductCodes: null,
      marketplaceProductCodes: null,
      imageId: instance.image,
      instanceId: instance.id,
      instanceType: instance.type,
      kernelId: null,
      pendingTime: pendingTime(instance),
      privateIp: instance.privateAddress,
      ramdiskId: null,
      region: state.region,
      version: "2017-09-30",
    },
    undefined,
    2,
  );
}

const pendingTime = ({ launched }: AwsInstance): string => `${launched.replace(" ", "T").slice(0, 19)}Z`;

function metaData(state: AwsState, instance: AwsInstance, now: Date): Tree {
  const name = privateName(instance, state.region);
  const subnet = state.subnets.find(({ id }) => id === instance.subnet);
  const vpc = state.vpcs.find(({ id }) => id === instance.vpc);
  const open = instance.publicAddress;
  const publicName =
    open === null
      ? ""
      : `ec2-${open.replaceAll(".", "-")}.${state.region === "us-east-1" ? "compute-1" : `${state.region}.compute`}.amazonaws.com`;
  const groups = instance.groups.map((group) => group.name).join("\n");
  const onlyPublic = open === null ? {} : { "public-hostname": publicName, "public-ipv4": open };
  const role = instance.profile?.roles[0];
  return {
    "ami-id": instance.image,
    "ami-launch-index": "0",
    hostname: name,
    "instance-action": "none",
    "instance-id": instance.id,
    "instance-life-cycle": "on-demand",
    "instance-type": instance.type,
    "local-hostname": name,
    "local-ipv4": instance.privateAddress,
    mac: instance.mac,
    profile: "default-hvm",
    "security-groups": groups,
    ...onlyPublic,
    placement: { "availability-zone": instance.zone, region: state.region },
    services: { domain: "amazonaws.com", partition: "aws" },
    network: {
      interfaces: {
        macs: {
          [instance.mac]: {
            "device-number": "0",
            "interface-id": instance.interface,
            "local-hostname": name,
            "local-ipv4s": instance.privateAddress,
            mac: instance.mac,
            "owner-id": state.account,
            ...(open === null
              ? {}
              : {
                  "public-hostname": publicName,
                  "public-ipv4s": open,
                  "ipv4-associations": { [open]: instance.privateAddress },
                }),
            "security-group-ids": instance.groups.map((group) => group.id).join("\n"),
            "security-groups": groups,
            "subnet-id": instance.subnet,
            "subnet-ipv4-cidr-block": subnet?.cidr ?? "",
            "vpc-id": instance.vpc,
            "vpc-ipv4-cidr-block": vpc?.cidr ?? "",
            "vpc-ipv4-cidr-blocks": vpc?.cidr ?? "",
          },
        },
      },
    },
    ...(instance.keyName === null ? {} : { "public-keys": { "0": { "openssh-key": instance.publicKey ?? "" } } }),
    ...(instance.metadataTags ? { tags: { instance: instance.tags } } : {}),
    ...(instance.profile === null
      ? {}
      : {
          iam: {
            info: JSON.stringify(
              {
                Code: "Success",
                LastUpdated: pendingTime(instance),
                InstanceProfileArn: instance.profile.arn,
                InstanceProfileId: instance.profile.id,
              },
              undefined,
              2,
            ),
            "security-credentials": role === undefined ? {} : { [role]: credentials(state, instance, now) },
          },
        }),
  };
}

export interface MetadataAnswer {
  readonly type: string;
  readonly body: string | Buffer;
}

/** Answer to a path; undefined: there is nothing. */
export function metadataAnswer(
  state: AwsState,
  instance: AwsInstance,
  path: string,
  now = new Date(),
): MetadataAnswer | undefined {
  if (path === "/") return { type: "text/plain", body: "1.0\n2021-07-15\nlatest" };
  const [first = "", ...parts] = path.split("/").filter(Boolean);
  if (!version.test(first)) return undefined;
  if (parts[0] === "user-data" && parts.length === 1) {
    return instance.userData === ""
      ? undefined
      : { type: "application/octet-stream", body: Buffer.from(instance.userData, "base64") };
  }
  const tree = {
    dynamic: { "instance-identity": { document: identityDocument(state, instance) } },
    "meta-data": metaData(state, instance, now),
  };
  const node = treeAt(tree, parts);
  if (node === undefined) return undefined;
  if (typeof node === "string") return { type: "text/plain", body: node };
  return { type: "text/plain", body: listing(node, parts, instance) };
}

/** Folders end with a slash; keys are listed with their names. */
function listing(node: Tree, parts: readonly string[], instance: AwsInstance): string {
  if (parts.join("/") === "meta-data/public-keys") return `0=${instance.keyName ?? ""}`;
  return Object.entries(node)
    .filter(([, child]) => child !== undefined)
    .map(([name, child]) => (typeof child === "string" ? name : `${name}/`))
    .join("\n");
}

/** Tokens need no memory here: each carries its end and is signed for one address. */
export class Tokens {
  constructor(private readonly key: Buffer = randomBytes(32)) {}

  issue(address: string, seconds: number, now = Date.now()): string {
    const end = String(now + seconds * 1000);
    return Buffer.from(`${end}.${this.sign(address, end)}`).toString("base64url");
  }

  valid(token: string, address: string, now = Date.now()): boolean {
    const [end = "", signature = ""] = Buffer.from(token, "base64url").toString("utf8").split(".");
    const expected = Buffer.from(this.sign(address, end));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected) && Number(end) > now;
  }

  private sign(address: string, end: string): string {
    return createHmac("sha256", this.key).update(`${address} ${end}`).digest("hex");
  }
}

/** Serves metadata; must run inside the region's namespace. `listen` is for tests. */
export function startMetadata(lookup: Lookup, tokens: Tokens, listen = metadataPlace): Promise<Server> {
  return serveMetadata(({ request, response, address, path }) => {
    const known = lookup(address);
    const end = (status: number, body = "", headers: Record<string, string> = {}): void => {
      response
        .writeHead(status, { "content-type": "text/plain", ...headers, "content-length": Buffer.byteLength(body) })
        .end(body);
    };
    if (!known || path === undefined) return end(404);
    if (path === "/latest/api/token") {
      if (request.method !== "PUT") return end(405, "", { allow: "OPTIONS, PUT" });
      // A proxy gets no token.
      if (request.headers["x-forwarded-for"] !== undefined) return end(403);
      const seconds = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > ttlLimit) return end(400);
      return end(200, tokens.issue(address, seconds), { "x-aws-ec2-metadata-token-ttl-seconds": String(seconds) });
    }
    if (request.method !== "GET" && request.method !== "HEAD") return end(405, "", { allow: "GET, HEAD" });
    const token = request.headers["x-aws-ec2-metadata-token"];
    if (typeof token !== "string" || !tokens.valid(token, address)) return end(401);
    const answer = metadataAnswer(known.state, known.instance, path);
    if (!answer) return end(404);
    response.writeHead(200, { "content-type": answer.type, "content-length": Buffer.byteLength(answer.body) });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }, listen);
}

/** The key is kept, so that tokens that machines hold outlive the daemon. */
export function tokensOf(config: Pick<LabConfig, "directory">): Tokens {
  const file = join(config.directory, "aws", "metadata.key");
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(32), { mode: 0o600 });
  }
  return new Tokens(readFileSync(file));
}
