/** The rule for kubelets' serving certificates, as the script on controllers applies it: real requests, a kubectl of the test. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { approveScript } from "../../components/nodeconfig/scripts/approve.js";

const subject = "/O=system:nodes/CN=system:node:dev-worker-0";
const right = "subjectAltName=DNS:dev-worker-0,IP:10.4.0.9";
const node = '"system:node:dev-worker-0"';
const groups = '"system:nodes" "system:authenticated" ';
const usages = "digital signature,server auth,";
/** What the API has of the Nodes' addresses, as the script asks for it. */
const nodes = [
  'dev-worker-0 InternalIP "10.4.0.9"',
  'dev-worker-0 ExternalIP "203.0.113.9"',
  'dev-worker-0 InternalDNS "ip-10-4-0-9.compute.internal"',
  'dev-worker-0 Hostname "ip-10-4-0-9.compute.internal"',
  'dev-worker-0 ExternalDNS "ec2-203-0-113-9.compute.example"',
  'dev-worker-1 InternalIP "10.4.0.7"',
  'dev-worker-1 Hostname "dev-worker-1"',
  'dev-worker-1 ExternalIP "203.0.113.7"',
  'dev-worker-1 ExternalDNS "ec2-203-0-113-7.compute.example"',
  "",
].join("\n");

describe("approval of serving certificates", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-approve-"));
    mkdirSync(join(folder, "opt/bin"), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const request = (names: string, who = subject, more: readonly string[] = []): string => {
    const config = `[req]\ndistinguished_name=dn\nreq_extensions=ext\n[dn]\n[ext]\n${[names, ...more].join("\n")}\n`;
    writeFileSync(join(folder, "config"), config);
    const args = [
      "req",
      "-new",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      "/dev/null",
      "-subj",
      who,
      "-config",
      join(folder, "config"),
    ];
    const { stdout, stderr, status } = spawnSync("openssl", args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return Buffer.from(stdout).toString("base64");
  };

  /** What the script does with one request: what it says, and what it asks of the API. */
  const decide = (line: string, cloudProvider: "none" | "aws" = "none"): { said: string; did: string } => {
    writeFileSync(join(folder, "line"), `${line}\n`);
    writeFileSync(join(folder, "nodes"), nodes);
    const kubectl = `#!/bin/bash\ncase "$*" in *"get nodes"*) cat ${folder}/nodes;; *"--watch"*) cat ${folder}/line;; *certificate*) echo "\${@: -2}" >>${folder}/did;; *"label node"*) echo "\${*:3}" >>${folder}/labelled; [ ! -e ${folder}/no-node ] || { rm ${folder}/no-node; exit 1; };; esac\n`;
    writeFileSync(join(folder, "opt/bin/kubectl"), kubectl, { mode: 0o755 });
    writeFileSync(join(folder, "did"), "");
    const script = approveScript({ nodeCidr: "10.4.0.0/20", cloudProvider }).contents.replaceAll(
      "/opt/bin/",
      `${folder}/opt/bin/`,
    );
    const { stdout, stderr, status } = spawnSync("bash", ["-c", script], {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"] ?? "",
        CREDENTIALS_DIRECTORY: folder,
        HOSTNAME: "dev-controller-0",
        API_ADDRESSES: "198.51.100.7,10.4.0.100,dev-api.elb.example",
      },
    });
    assert.equal(status, 0, stderr);
    return { said: stdout.trim(), did: readFileSync(join(folder, "did"), "utf8").trim() };
  };
  const line = (from: string, user = node, of = groups, uses = usages, decided = ""): string =>
    `csr-1|${decided}|${from}|${uses}|${of}|${user}`;

  it("is given for a node's own name and address", () => {
    assert.deepEqual(decide(line(request(right))), { said: `approved: csr-1 of ${node}`, did: "approve csr-1" });
    assert.equal(
      decide(line(request(right), node, groups, "key encipherment,digital signature,server auth,")).did,
      "approve csr-1",
    );
  });

  it("goes on while the controller's Node is not there yet, which gets its role as soon as it asks", () => {
    writeFileSync(join(folder, "no-node"), "");
    assert.equal(decide(line(request(right))).did, "approve csr-1");
    const label = "label node dev-controller-0 node-role.kubernetes.io/control-plane= --overwrite";
    assert.equal(readFileSync(join(folder, "labelled"), "utf8"), `${label}\n${label}\n`);
  });

  it("is not given twice", () => {
    assert.deepEqual(decide(line(request(right), node, groups, usages, "decided")), { said: "", did: "" });
  });

  const wrong: readonly (readonly [string, () => string, RegExp])[] = [
    [
      "another node's address",
      () => line(request("subjectAltName=DNS:dev-worker-0,IP:10.4.0.7")),
      /10\.4\.0\.7 is another node's/,
    ],
    [
      "the API's address",
      () => line(request("subjectAltName=DNS:dev-worker-0,IP:10.4.0.100")),
      /10\.4\.0\.100 is the API's/,
    ],
    [
      "an address outside of the machines' network",
      () => line(request("subjectAltName=DNS:dev-worker-0,IP:10.4.16.1")),
      /10\.4\.16\.1 is not in the machines' network 10\.4\.0\.0\/20/,
    ],
    [
      "another name",
      () => line(request("subjectAltName=DNS:kubernetes,IP:10.4.0.9")),
      /DNS:kubernetes.* is not the node's/,
    ],
    [
      "another node's subject",
      () => line(request(right, "/O=system:nodes/CN=system:node:dev-worker-1")),
      /is not the node's/,
    ],
    [
      "another group in the subject",
      () => line(request(right, "/O=system:masters/CN=system:node:dev-worker-0")),
      /is not the node's/,
    ],
    [
      "a second group in the subject",
      () => line(request(right, "/O=system:nodes/O=system:masters/CN=system:node:dev-worker-0")),
      /is not the node's/,
    ],
    ["a user that is no node", () => line(request(right), '"alice"'), /is not a node/],
    [
      "a node's name without its group",
      () => line(request(right), node, '"system:authenticated" '),
      /is not in system:nodes/,
    ],
    ["a group with a bar in its name", () => line(request(right), '"alice"', `"x|${node}`), /is not a node/],
    [
      "a client's usage",
      () => line(request(right), node, groups, "digital signature,client auth,"),
      /usages are digital signature,client auth/,
    ],
  ];
  for (const [what, of, reason] of wrong) {
    it(`is denied for ${what}`, () => {
      const { said, did } = decide(of());
      assert.equal(did, "deny csr-1", said);
      assert.match(said, /^DENIED: csr-1 of /);
      assert.match(said, reason);
    });
  }

  // A denial is final, and an unknown form is no proof of anything.
  const notUnderstood: readonly (readonly [string, () => string])[] = [
    ["an IPv6 address", () => line(request("subjectAltName=IP:::1"))],
    ["a mail address", () => line(request("subjectAltName=DNS:dev-worker-0,email:a@b.example"))],
    ["no names", () => line(request("keyUsage=digitalSignature"))],
    ["an authority", () => line(request(right, subject, ["basicConstraints=CA:TRUE"]))],
    ["another part of a subject", () => line(request(right, `${subject}/OU=x`))],
    ["a name with a blank", () => line(request("subjectAltName=DNS:dev-worker-0 kubernetes"))],
    ["data that is not a request", () => line("bm9uc2Vuc2U=")],
    ["nothing", () => line("")],
    ["a request that ends early", () => line(cut(request(right), 40))],
    ["a request with bytes after its end", () => line(cut(request(right), -3))],
  ];
  /** Without the last bytes of the request, or with more. */
  function cut(encoded: string, bytes: number): string {
    const pem = Buffer.from(encoded, "base64").toString();
    const der = Buffer.from(pem.replace(/-----.*-----/g, ""), "base64");
    const changed = bytes > 0 ? der.subarray(0, der.length - bytes) : Buffer.concat([der, Buffer.alloc(-bytes)]);
    const mark = (word: string): string => `-----${word} CERTIFICATE REQUEST-----\n`;
    return Buffer.from(`${mark("BEGIN")}${changed.toString("base64")}\n${mark("END")}`).toString("base64");
  }
  for (const [what, of] of notUnderstood) {
    it(`is left to a person for ${what}`, () => {
      const { said, did } = decide(of());
      assert.equal(did, "", said);
      assert.match(said, /^PENDING: csr-1 of .*: it asks for something else .*kubectl certificate approve csr-1/);
    });
  }

  it("is not left to chance: no request with a flipped byte is approved unless its names are still the node's own", () => {
    const pem = Buffer.from(request(right), "base64").toString();
    const der = Buffer.from(pem.replace(/-----.*-----/g, ""), "base64");
    // The names are in the last third; the key and the signature are Kubernetes' to verify.
    const at = der.indexOf(Buffer.from("dev-worker-0"), der.length / 2);
    for (const offset of [-4, -3, -2, -1, 0, 5, 11, 12, 13, 14, 17]) {
      const changed = Buffer.from(der);
      changed[at + offset] = (changed[at + offset] ?? 0) ^ 0x04;
      const again = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
      const { said } = decide(line(Buffer.from(again).toString("base64")));
      // Within the network and nobody else's, another address is a node's own to choose.
      if (offset === 17) assert.match(said, /^approved/);
      else assert.doesNotMatch(said, /^approved/, `offset ${offset}: ${said}`);
    }
  });

  describe("with a cloud provider", () => {
    const all = "DNS:ip-10-4-0-9.compute.internal,DNS:ec2-203-0-113-9.compute.example,IP:10.4.0.9,IP:203.0.113.9";
    it("is given for names and addresses that the cloud has assigned", () => {
      for (const names of [all, `DNS:dev-worker-0,${all}`, "DNS:dev-worker-0,IP:10.4.0.9"]) {
        assert.deepEqual(decide(line(request(`subjectAltName=${names}`)), "aws"), {
          said: `approved: csr-1 of ${node}`,
          did: "approve csr-1",
        });
      }
    });

    it("is denied for the same without a cloud provider: a kubelet can write any address to its status", () => {
      const { did, said } = decide(line(request(`subjectAltName=${all}`)));
      assert.equal(did, "deny csr-1");
      assert.match(said, /is not the node's/);
      assert.match(
        decide(line(request("subjectAltName=DNS:dev-worker-0,IP:203.0.113.9"))).said,
        /203\.0\.113\.9 is not in the machines' network/,
      );
    });

    const wrongToo: readonly (readonly [string, string, RegExp])[] = [
      ["another node's public address", "IP:203.0.113.7", /203\.0\.113\.7 is another node's/],
      [
        "another node's public name",
        "DNS:ec2-203-0-113-7.compute.example",
        /ec2-203-0-113-7\.compute\.example is another node's/,
      ],
      ["another node's own name", "DNS:dev-worker-1", /dev-worker-1 is another node's/],
      [
        "a public address that the cloud has not assigned",
        "IP:203.0.113.10",
        /the cloud has not assigned it to the node/,
      ],
      ["a part of its public address", "IP:03.0.113.9", /the cloud has not assigned it to the node/],
      ["the API's public address", "IP:198.51.100.7", /198\.51\.100\.7 is the API's/],
      ["the API's name", "DNS:dev-api.elb.example", /dev-api\.elb\.example is the API's/],
      ["the API's name inside", "DNS:kubernetes.default.svc", /is not the node's/],
      ["a name with a star", "DNS:*.compute.example", /is not the node's/],
    ];
    for (const [what, names, reason] of wrongToo) {
      it(`is denied for ${what}`, () => {
        const { said, did } = decide(line(request(`subjectAltName=DNS:dev-worker-0,${names}`)), "aws");
        assert.equal(did, "deny csr-1", said);
        assert.match(said, reason);
      });
    }

    it("is not given for names that are quoted together", () => {
      const { did } = decide(
        line(
          request('subjectAltName=DNS:dev-worker-0,DNS:ip-10-4-0-9.compute.internal" "ec2-203-0-113-9.compute.example'),
        ),
        "aws",
      );
      assert.equal(did, "");
    });
  });

  it("is left to a person for a name that hides another line of names behind a line break", () => {
    // DER of the extension: a DNS name "dev-worker-0\n" and then another name.
    const name = (text: string): string =>
      `82${Buffer.byteLength(text).toString(16).padStart(2, "0")}${Buffer.from(text).toString("hex")}`;
    const names = name("dev-worker-0\n") + name("kubernetes");
    const der = `30${(names.length / 2).toString(16).padStart(2, "0")}${names}`;
    const { did, said } = decide(line(request(`subjectAltName=DER:${der}`)));
    assert.equal(did, "", said);
    assert.match(said, /^PENDING/);
  });
});
