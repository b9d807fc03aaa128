import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pullImage } from "../../lab/mirror/pull.js";
import { pushImage, type ImageContent } from "../../lab/mirror/push.js";
import { DownloadFailed, Downloads } from "../../lab/toolchain/download.js";
import { DownloadServer, sha256 } from "../support/downloads.js";

const name = "docker.io/library/demo:1.0";
const repository = "https://registry-1.docker.io/v2/library/demo";
const quiet = { report: () => undefined };

describe("lab mirror: images from their registries", () => {
  let folder: string;
  let server: DownloadServer;
  let layer: string;
  /** Digests of an index for two platforms, and of its image for ours. */
  let index: string;
  let ours: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "corekube-files-"));
    server = await new DownloadServer().start();
    const add = (kind: string, content: string): { digest: string; size: number; mediaType: string } => {
      const digest = `sha256:${sha256(content)}`;
      server.add(`${repository}/${kind}/${digest}`, content);
      return { digest, size: content.length, mediaType: "application/octet-stream" };
    };
    const image = (architecture: string): object => {
      const blob = add("blobs", `layer for ${architecture}`);
      if (architecture === "amd64") layer = blob.digest;
      const manifest = {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: add("blobs", "{}"),
        layers: [blob],
      };
      return { ...add("manifests", JSON.stringify(manifest)), platform: { os: "linux", architecture } };
    };
    const manifests = [image("arm64"), image("amd64")] as { digest: string }[];
    ours = manifests[1]!.digest;
    index = add(
      "manifests",
      JSON.stringify({ mediaType: "application/vnd.oci.image.index.v1+json", manifests }),
    ).digest;
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const pull = (digest = index): Promise<ImageContent> =>
    pullImage(new Downloads({ base: server.base, retryPause: 1 }), name, digest, folder, quiet);

  it("pulls the image for linux/amd64 of an index, and the index itself", async () => {
    const { blobs, manifests } = await pull();
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [ours, index],
    );
    assert.deepEqual(
      blobs.map(({ file }) => readFileSync(file, "utf8")),
      ["layer for amd64", "{}"],
    );
    assert.equal(readdirSync(folder).length, 4, "the other platform is not pulled");
  });

  it("pulls an image without an index", async () => {
    assert.deepEqual(
      (await pull(ours)).manifests.map(({ digest }) => digest),
      [ours],
    );
  });

  it("resumes with what an earlier run pulled", async () => {
    await pull();
    const before = server.requests.length;
    await pull();
    assert.equal(server.requests.length, before);
  });

  it("refuses a manifest and a layer that do not have their digest", async () => {
    server.replace(`${repository}/blobs/${layer}`, "another layer");
    await assert.rejects(pull(), (error) => error instanceof DownloadFailed && /WRONG CHECKSUM/.test(error.message));
    server.replace(`${repository}/manifests/${index}`, "{}");
    rmSync(folder, { recursive: true });
    await assert.rejects(pull(), /WRONG CHECKSUM/);
  });

  it("says which piece of an image is missing", async () => {
    server.replace(`${repository}/blobs/${layer}`, undefined);
    await assert.rejects(pull(), new RegExp(`${layer}: status 404`));
  });

  describe("into the mirror's registry", () => {
    let registry: Server;
    let stored: Map<string, string>;
    beforeEach(async () => {
      stored = new Map();
      registry = createServer((request, response) => {
        const url = new URL(request.url ?? "", "http://registry");
        let body = "";
        request.on("data", (chunk) => (body += String(chunk)));
        request.on("end", () => {
          if (request.method === "HEAD") return response.writeHead(stored.has(url.pathname) ? 200 : 404).end();
          if (request.method === "POST") return response.writeHead(202, { location: `${url.pathname}1?state=x` }).end();
          const digest = url.searchParams.get("digest");
          stored.set(digest ? url.pathname.replace(/uploads\/1$/, digest) : url.pathname, body);
          response.writeHead(digest && digest !== `sha256:${sha256(body)}` ? 400 : 201).end("answer");
        });
      });
      await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
    });
    afterEach(() => new Promise((resolve) => registry.close(resolve)));

    const push = (image: ImageContent): Promise<void> =>
      pushImage(`http://127.0.0.1:${(registry.address() as AddressInfo).port}`, "host/demo", ["1.0", "latest"], image);

    it("pushes blobs before manifests, and the tags last", async () => {
      await push(await pull());
      const base = "/v2/host/demo";
      assert.deepEqual(
        [...stored.keys()],
        [
          `${base}/blobs/${layer}`,
          `${base}/blobs/sha256:${sha256("{}")}`,
          `${base}/manifests/${ours}`,
          `${base}/manifests/${index}`,
          `${base}/manifests/1.0`,
          `${base}/manifests/latest`,
        ],
      );
      assert.equal(`sha256:${sha256(stored.get(`${base}/manifests/latest`)!)}`, index);
    });

    it("reports the registry's answer when it refuses something", async () => {
      const image = await pull();
      const wrong = { ...image.blobs[0]!, digest: `sha256:${sha256("other")}` };
      await assert.rejects(push({ ...image, blobs: [wrong] }), /PUT .*: status 400: answer/);
    });
  });
});
