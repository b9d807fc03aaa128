/**
 * The address at which a region answers as AWS: passes requests on to moto, refuses what EC2 would refuse and moto does not, and
 * has the machines follow after each change.
 */
import {
  Agent,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  createServer,
  request as send,
} from "node:http";
import type { Logger } from "../digitalocean/tasks.js";

/** Bytes of user-data, before base64, that EC2 takes at most. */
export const userDataLimit = 16_384;

/** Bytes of a request that are read at most. */
const bodyLimit = 4 * 1024 * 1024;

export interface FrontOptions {
  /** Address of moto. */
  readonly moto: string;
  readonly logger: Logger;
  /** Asks for a synchronisation; resolves when the machines are as the state wants them. */
  readonly changed: () => Promise<void>;
  /** What the region's own commands show to read the whole state. */
  readonly token: string;
  /** Why moto cannot answer, when its process has ended. */
  readonly lost: () => string | undefined;
}

interface Call {
  readonly service: string;
  readonly action: string;
  readonly parameters: URLSearchParams;
}

/** Names of actions that change nothing. */
const reading = /^(Describe|Get|List|Simulate|AssumeRole|Decode|Search)/;

/** What a request asks for; of the signature only the service's name is read, which is how moto tells services apart. */
export function callOf(message: Pick<IncomingMessage, "headers" | "url">, body: string): Call {
  const query = new URL(message.url ?? "/", "http://localhost").searchParams;
  const form = (message.headers["content-type"] ?? "").includes("form")
    ? new URLSearchParams(body)
    : new URLSearchParams();
  const parameters = form.has("Action") ? form : query;
  const service =
    /Credential=[^/]*\/[^/]*\/[^/]*\/([^/]+)\//.exec(message.headers.authorization ?? "")?.[1] ?? "unsigned";
  const target = message.headers["x-amz-target"];
  return {
    service,
    action: parameters.get("Action") ?? (typeof target === "string" ? (target.split(".").at(-1) ?? "") : ""),
    parameters,
  };
}

/** Why EC2 would refuse the request; undefined: it would not. */
export function refusal({ action, parameters }: Call): { readonly code: string; readonly message: string } | undefined {
  const key =
    action === "RunInstances" && parameters.get("MetadataOptions.InstanceMetadataTags") === "enabled"
      ? instanceTagKeys(parameters).find((name) => !metadataTagKey.test(name))
      : undefined;
  if (key !== undefined) {
    const pattern = "([0-9a-zA-Z\\\\-_+=,.@:]{1,255})";
    return {
      code: "InvalidParameterValue",
      message: `'${key}' is not a valid tag key. Tag keys must match pattern ${pattern}, and must not be a reserved name ('.', '..', '_index')`,
    };
  }
  const userData =
    action === "RunInstances"
      ? parameters.get("UserData")
      : action === "ModifyInstanceAttribute"
        ? parameters.get("UserData.Value")
        : null;
  if (userData === null || Buffer.from(userData, "base64").length <= userDataLimit) return undefined;
  return { code: "InvalidParameterValue", message: `User data is limited to ${userDataLimit} bytes` };
}

/** Keys that the metadata service can show as names in a path; EC2 takes no others where it is to show them. */
const metadataTagKey = /^(?!(?:\.|\.\.|_index)$)[0-9a-zA-Z\-_+=,.@:]{1,255}$/;

function instanceTagKeys(parameters: URLSearchParams): string[] {
  return [...parameters].flatMap(([name, value]) => {
    const specification = /^TagSpecification\.(\d+)\.Tag\.\d+\.Key$/.exec(name)?.[1];
    return specification !== undefined &&
      parameters.get(`TagSpecification.${specification}.ResourceType`) === "instance"
      ? [value]
      : [];
  });
}

const errorText = (code: string, message: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>`;

/** Makes the server; the caller says where it listens. */
export function createFront(options: FrontOptions): Server {
  const agent = new Agent({ keepAlive: false, maxSockets: 16 });
  const server = createServer((message, response) => {
    const began = Date.now();
    let call: Call | undefined;
    answer(message, response)
      .catch((error: unknown) =>
        fail(
          response,
          503,
          "ServiceUnavailable",
          options.lost() ?? `the region's AWS cannot be reached: ${String(error)}`,
        ),
      )
      .finally(() => {
        // Neither bodies nor headers: they hold user-data and signatures.
        if (call)
          options.logger.info(
            `${call.service} ${call.action || message.method} ${response.statusCode} ${Date.now() - began} ms`,
          );
      });

    async function answer(from: IncomingMessage, to: ServerResponse): Promise<void> {
      const body = await read(from);
      if (body === undefined) return fail(to, 413, "RequestEntityTooLarge", `a request may have ${bodyLimit} bytes`);
      const path = (from.url ?? "/").split("?")[0]!;
      if (path.startsWith("/moto-api")) return fail(to, 404, "NotFound", "not found");
      if (path.startsWith("/corekube/")) return own(path, from, to);
      call = callOf(from, body.toString("utf8"));
      const reason = refusal(call);
      if (reason) return fail(to, 400, reason.code, reason.message);
      const lost = options.lost();
      if (lost) return fail(to, 503, "ServiceUnavailable", lost);
      await pass(from, to, body);
      // Its failures are the synchronisation's own to log; the next one tries again.
      if (call.action !== "" && !reading.test(call.action) && to.statusCode < 400)
        options.changed().catch(() => undefined);
    }
  });
  server.on("close", () => agent.destroy());
  return server;

  async function own(path: string, from: IncomingMessage, to: ServerResponse): Promise<void> {
    if (from.headers.authorization !== `Bearer ${options.token}`)
      return fail(to, 403, "UnauthorizedOperation", "the region's own token is missing");
    if (path === "/corekube/sync" && from.method === "POST") {
      await options.changed();
      to.writeHead(204).end();
    } else if (path === "/corekube/state" && from.method === "GET") await pass(from, to, Buffer.alloc(0));
    else fail(to, 404, "NotFound", "not found");
  }

  function pass(from: IncomingMessage, to: ServerResponse, body: Buffer): Promise<void> {
    const url = new URL(from.url ?? "/", options.moto);
    return new Promise((resolve, reject) => {
      const headers = { ...from.headers, "content-length": String(body.length) };
      delete headers["transfer-encoding"];
      delete headers.connection;
      delete headers.expect;
      const sent = send(url, { method: from.method, headers, agent, timeout: 120_000 }, (answer) => {
        const kept = { ...answer.headers };
        delete kept.connection;
        to.writeHead(answer.statusCode ?? 502, kept);
        answer.pipe(to);
        to.once("finish", resolve);
        to.once("close", resolve);
        answer.once("error", reject);
      });
      sent.once("timeout", () => sent.destroy(new Error("no answer within 120 s")));
      sent.once("error", reject);
      sent.end(body);
    });
  }
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response
    .writeHead(status, { "content-type": "text/xml" })
    .end(errorText(code, message.replaceAll("&", "&amp;").replaceAll("<", "&lt;")));
}

async function read(message: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= bodyLimit) parts.push(part);
  }
  return size > bodyLimit ? undefined : Buffer.concat(parts);
}
