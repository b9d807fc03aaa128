/**
 * The address at which a region answers as AWS: passes requests on to moto, refuses what EC2 would refuse and moto does not, and
 * has the machines follow after each change.
 */
import { Agent, type IncomingMessage, request as send } from "node:http";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "../../region/synchroniser.js";

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
function callOf(message: Pick<IncomingMessage, "headers" | "url">, body: string): Call {
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
function refusal({ action, parameters }: Call): { readonly code: string; readonly message: string } | undefined {
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
export function createFront(options: FrontOptions): FastifyInstance {
  const agent = new Agent({ keepAlive: false, maxSockets: 16 });
  const app = fastify({ logger: false, bodyLimit });
  // moto gets every body as it came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onClose", async () => agent.destroy());
  const calls = new WeakMap<FastifyRequest, Call>();
  app.addHook("onResponse", async (request, { statusCode, elapsedTime }) => {
    const call = calls.get(request);
    // Neither bodies nor headers: they hold user-data and signatures.
    if (call)
      options.logger.info(
        `${call.service} ${call.action || request.method} ${statusCode} ${Math.round(elapsedTime)} ms`,
      );
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error.statusCode === 413)
      return fail(reply, 413, "RequestEntityTooLarge", `a request may have ${bodyLimit} bytes`);
    return fail(
      reply,
      503,
      "ServiceUnavailable",
      options.lost() ?? `the region's AWS cannot be reached: ${error.message}`,
    );
  });
  app.setNotFoundHandler((_request, reply) => fail(reply, 404, "NotFound", "not found"));
  // moto's own interface would change the account past the machines.
  app.all("/moto-api/*", (_request, reply) => fail(reply, 404, "NotFound", "not found"));

  app.register(async (own) => {
    own.addHook("onRequest", async (request, reply) => {
      if (request.headers.authorization !== `Bearer ${options.token}`)
        return fail(reply, 403, "UnauthorizedOperation", "the region's own token is missing");
    });
    own.post("/corekube/sync", async (_request, reply) => {
      await options.changed();
      return reply.status(204).send();
    });
    own.post("/corekube/move", async (_request, reply) => {
      const answer = await fetch(new URL("/corekube/move", options.moto), { method: "POST" });
      if (!answer.ok) return fail(reply, 502, "InternalError", await answer.text());
      // Answered only when the former addresses are closed.
      await options.changed();
      return reply.status(204).send();
    });
    own.get("/corekube/state", (request, reply) => pass(request, reply, Buffer.alloc(0)));
    own.all("/corekube/*", (_request, reply) => fail(reply, 404, "NotFound", "not found"));
  });

  app.all("/*", async (request, reply) => {
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    const call = callOf(request.raw, body.toString("utf8"));
    calls.set(request, call);
    const reason = refusal(call);
    if (reason) return fail(reply, 400, reason.code, reason.message);
    const lost = options.lost();
    if (lost) return fail(reply, 503, "ServiceUnavailable", lost);
    await pass(request, reply, body);
    // Its failures are the region's own to log; the next pass tries again.
    if (call.action !== "" && !reading.test(call.action) && reply.statusCode < 400)
      options.changed().catch(() => undefined);
    return reply;
  });
  return app;

  async function pass(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply> {
    const headers = { ...request.headers, "content-length": String(body.length) };
    for (const name of ["transfer-encoding", "connection", "expect"] as const) delete headers[name];
    const url = new URL(request.url, options.moto);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = send(url, { method: request.method, headers, agent, timeout: 120_000 }, resolve);
      sent.once("timeout", () => sent.destroy(new Error("no answer within 120 s")));
      sent.once("error", reject);
      sent.end(body);
    });
    const { connection: _connection, ...kept } = answer.headers;
    return reply
      .status(answer.statusCode ?? 502)
      .headers(kept)
      .send(answer);
  }
}

const fail = (reply: FastifyReply, status: number, code: string, message: string): FastifyReply =>
  reply
    .status(status)
    .type("text/xml")
    .send(errorText(code, message.replaceAll("&", "&amp;").replaceAll("<", "&lt;")));
