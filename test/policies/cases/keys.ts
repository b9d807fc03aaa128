/** Keys of certificate authorities, and AWS' roles. */
import { type Case, ref } from "../support/case.js";
import { awsTags } from "./parts.js";

const key = (name: string, parent?: string, protect = true) => ({
  type: "tls:index/privateKey:PrivateKey",
  name,
  props: { algorithm: "ECDSA", ecdsaCurve: "P256" },
  protect,
  ...(parent === undefined ? {} : { parent }),
});

export const keyCases: readonly Case[] = [
  {
    rule: "ca-keys-protected",
    title: "as the program makes them",
    resources: [
      { type: "corekube:pki:Pki", name: "pki" },
      { type: "corekube:pki:Authority", name: "ca", parent: "pki" },
      key("ca-key", "ca"),
      {
        type: "tls:index/selfSignedCert:SelfSignedCert",
        name: "ca-cert",
        props: {
          privateKeyPem: ref("ca-key", "privateKeyPem"),
          isCaCertificate: true,
          validityPeriodHours: 240_000,
          allowedUses: ["cert_signing"],
          subject: { commonName: "ca" },
        },
        protect: true,
        parent: "ca",
      },
      key("service-account", "pki"),
      key("leaf", undefined, false),
    ],
    breaks: [
      { title: "key", change: { path: "ca-key/protect", value: false }, says: /ca-key: is not protected/ },
      { title: "certificate", change: { path: "ca-cert/protect", value: false }, says: /ca-cert: is not protected/ },
      {
        title: "service account tokens",
        change: { path: "service-account/protect", value: false },
        says: /service-account: is not protected/,
      },
    ],
  },
  {
    rule: "ca-keys-protected",
    title: "by what they are used for",
    resources: [
      key("signer"),
      key("leaf-key", undefined, false),
      {
        type: "tls:index/certRequest:CertRequest",
        name: "request",
        props: { privateKeyPem: ref("leaf-key", "privateKeyPem"), subject: { commonName: "leaf" } },
      },
      {
        type: "tls:index/locallySignedCert:LocallySignedCert",
        name: "leaf",
        props: {
          certRequestPem: ref("request", "certRequestPem"),
          caPrivateKeyPem: ref("signer", "privateKeyPem"),
          caCertPem: ref("signer", "publicKeyPem"),
          allowedUses: ["server_auth"],
          validityPeriodHours: 24,
        },
      },
    ],
    breaks: [
      {
        title: "the key that signs",
        change: { path: "signer/protect", value: false },
        says: /signer: is not protected/,
      },
    ],
  },
];

const statement = (more: Record<string, unknown>): object => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", ...more }],
});
const json = (more: Record<string, unknown>): string => JSON.stringify(statement(more));
const assume = (principal: unknown): string => json({ Action: "sts:AssumeRole", Principal: principal });
const bucket = "arn:aws:s3:::backups/*";

const role = {
  type: "aws:iam/role:Role",
  name: "node",
  props: {
    tags: awsTags,
    assumeRolePolicy: assume({ Service: "ec2.amazonaws.com" }),
    inlinePolicies: [{ name: "own", policy: json({ Action: ["s3:GetObject"], Resource: bucket }) }],
    managedPolicyArns: ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"],
  },
};

const policyOf = (title: string, more: Record<string, unknown>, says: RegExp) => ({
  title,
  change: { path: "policy/props/policy", value: json(more) },
  says,
});

export const iamCases: readonly Case[] = [
  {
    rule: "no-wildcard-iam",
    title: "roles and policies",
    resources: [
      role,
      {
        type: "aws:iam/rolePolicy:RolePolicy",
        name: "policy",
        props: { role: "node", policy: json({ Action: ["ec2:DescribeInstances"], Resource: "*" }) },
      },
      {
        type: "aws:iam/policy:Policy",
        name: "tagged",
        props: {
          tags: awsTags,
          policy: json({
            Action: ["ec2:AttachVolume"],
            Resource: "*",
            Condition: { StringEquals: { "aws:ResourceTag/KubernetesCluster": "test" } },
          }),
        },
      },
      {
        type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        name: "attached",
        props: { role: "node", policyArn: "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy" },
      },
    ],
    breaks: [
      policyOf("every action", { Action: "*", Resource: bucket }, /policy\.Statement\[0\]\.Action: \* has a wildcard/),
      policyOf("every action of a service", { Action: ["s3:*"], Resource: bucket }, /Action: s3:\* has a wildcard/),
      policyOf("every resource", { Action: ["s3:PutObject"], Resource: "*" }, /Resource: \* for s3:PutObject/),
      policyOf(
        "every resource of every service",
        { Action: ["s3:PutObject"], Resource: "arn:aws:*:*:*:*" },
        /Resource: arn:aws:\*/,
      ),
      policyOf(
        "everything except named actions",
        { NotAction: ["iam:CreateUser"], Resource: bucket },
        /NotAction: allows everything except/,
      ),
      { title: "invalid JSON", change: { path: "policy/props/policy", value: "{" }, says: /policy: is not JSON/ },
      {
        title: "everybody",
        change: { path: "node/props/assumeRolePolicy", value: assume("*") },
        says: /assumeRolePolicy\.Statement\[0\]\.Principal: \* allows everyone/,
      },
      {
        title: "every account",
        change: { path: "node/props/assumeRolePolicy", value: assume({ AWS: "*" }) },
        says: /Principal: \* allows everyone/,
      },
      {
        title: "inside of a role",
        change: { path: "node/props/inlinePolicies/0/policy", value: json({ Action: "s3:*", Resource: bucket }) },
        says: /inlinePolicies\[0\]\.policy\.Statement\[0\]\.Action/,
      },
      {
        title: "AWS' own",
        change: { path: "node/props/managedPolicyArns/0", value: "arn:aws:iam::aws:policy/AdministratorAccess" },
        says: /managedPolicyArns: \S+AdministratorAccess allows everything/,
      },
      {
        title: "AWS' own, attached",
        change: { path: "attached/props/policyArn", value: "arn:aws:iam::aws:policy/AmazonS3FullAccess" },
        says: /policyArn: \S+AmazonS3FullAccess allows everything/,
      },
    ],
  },
];
