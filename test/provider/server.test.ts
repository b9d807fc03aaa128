import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import ssh2 from "ssh2";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import { secretKeys } from "../../provider/rpc/properties.js";
import { killAtExit } from "./support/processes.js";

const PROGRAM = path.resolve(__dirname, "../../provider/pulumi-resource-corekube");
const URN = "urn:pulumi:test::test::corekube:machine:Delivery::member";
const TYPE = "corekube:machine:Delivery";

describe("the provider's process", function () {
  this.timeout(30_000);
  let child: ChildProcess;
  let client: ResourceProviderClient;

  before(async () => {
    child = spawn(PROGRAM, [], { cwd: tmpdir(), stdio: ["ignore", "pipe", "ignore"] });
    killAtExit(child);
    const [port] = (await once(child.stdout!, "data")) as [Buffer];
    client = new ResourceProviderClient(`127.0.0.1:${port.toString().trim()}`, grpc.credentials.createInsecure());
  });
  after(() => {
    client.close();
    child.kill("SIGKILL");
  });

  const check = (inputs: Record<string, string>): Promise<messages.CheckResponse> =>
    new Promise((resolve, reject) => {
      const request = new messages.CheckRequest()
        .setUrn(URN)
        .setType(TYPE)
        .setNews(Struct.fromJavaScript({ ...inputs, files: { a: "1" } }));
      client.check(request, (error, response) => (error ? reject(error) : resolve(response)));
    });

  it("starts in any folder and keeps sensitive inputs secret, whatever the program said", async () => {
    const response = await check({ machine: "m", machineId: "1", host: "h", privateKey: "PRIVATE KEY" });
    assert.deepEqual(response.getFailuresList(), []);
    assert.deepEqual([...secretKeys(response.getInputs())].sort(), ["files", "privateKey"]);
  });

  it("keeps the provider's own settings secret, changes them in place, and works with them", async () => {
    const provider = "urn:pulumi:test::test::pulumi:providers:corekube::dev";
    const given = Struct.fromJavaScript({ sshPrivateKey: "PRIVATE KEY", kubeconfig: "{}" });
    const checked = await new Promise<messages.CheckResponse>((resolve, reject) => {
      client.checkConfig(new messages.CheckRequest().setUrn(provider).setNews(given), (error, response) =>
        error ? reject(error) : resolve(response),
      );
    });
    assert.deepEqual(checked.getFailuresList(), []);
    assert.deepEqual([...secretKeys(checked.getInputs())].sort(), ["kubeconfig", "sshPrivateKey"]);
    const difference = await new Promise<messages.DiffResponse>((resolve, reject) => {
      const request = new messages.DiffRequest()
        .setUrn(provider)
        .setOldInputs(given)
        .setNews(Struct.fromJavaScript({ sshPrivateKey: "PRIVATE KEY", kubeconfig: "[]" }));
      client.diffConfig(request, (error, response) => (error ? reject(error) : resolve(response)));
    });
    assert.deepEqual([difference.getDiffsList(), difference.getReplacesList()], [["kubeconfig"], []]);
    const join = new messages.DeleteRequest()
      .setUrn("urn:pulumi:test::test::corekube:machine:Join::worker")
      .setType("corekube:machine:Join")
      .setId("1");
    const inputs = {
      machine: "w",
      machineId: "1",
      host: "127.0.0.1",
      nodeName: "w",
      server: "https://127.0.0.1:1",
      caCertificate: "BEGIN CERTIFICATE",
    };
    const removed = (): Promise<string> =>
      new Promise((resolve) =>
        client.delete(
          join.setOldInputs(Struct.fromJavaScript(inputs)).setProperties(Struct.fromJavaScript({})),
          (error) => resolve(error?.message ?? "gone"),
        ),
      );
    assert.match(await removed(), /has no sshPrivateKey/);
    await new Promise<void>((resolve, reject) => {
      client.configure(new messages.ConfigureRequest().setArgs(given), (error) => (error ? reject(error) : resolve()));
    });
    // Not a kubeconfig: a worker must be able to go nevertheless.
    assert.equal(await removed(), "gone");
  });

  it("names what is missing", async () => {
    const response = await check({ machine: "m" });
    assert.deepEqual(
      response
        .getFailuresList()
        .map((failure) => failure.getProperty())
        .sort(),
      ["host", "machineId", "privateKey"],
    );
  });

  it("refuses an import, and a type that it does not have", async () => {
    const read = (type: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const request = new messages.ReadRequest().setUrn(URN).setType(type).setId("1");
        client.read(request, (error, response) => (error ? reject(error) : resolve(response)));
      });
    await assert.rejects(read(TYPE), /cannot be imported/);
    await assert.rejects(read("corekube:machine:Other"), /no resource type "corekube:machine:Other"; it has/);
  });

  it("cancels its operations and exits on SIGTERM", async () => {
    const inputs = {
      machine: "m",
      machineId: "1",
      host: "127.0.0.1",
      port: 1,
      user: "root",
      privateKey: ssh2.utils.generateKeyPairSync("ed25519").private,
      files: { a: "1" },
      timeout: 600,
    };
    const creation = new Promise<grpc.ServiceError | null>((resolve) => {
      client.create(
        new messages.CreateRequest().setUrn(URN).setType(TYPE).setProperties(Struct.fromJavaScript(inputs)),
        (error) => resolve(error),
      );
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    child.kill("SIGTERM");
    const error = await creation;
    assert.match(error?.message ?? "", /m: interrupted after \d s/);
    assert.equal(child.exitCode ?? (await once(child, "exit"))[0], 0);
  });
});
