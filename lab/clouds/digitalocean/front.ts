/** The HTTP side: authorization, rate limits, request ids, errors in the original's form. */
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import fastify, { type FastifyError, type FastifyInstance } from "fastify";
import type { Logger } from "../../region/synchroniser.js";
import { ApiError, errorId, notFound } from "./errors.js";
import type { RateLimiter } from "./rateLimit.js";
import type { Store } from "./store.js";

export interface FrontOptions {
  readonly token: string;
  readonly limiter: RateLimiter;
  readonly store: Store;
  readonly logger: Logger;
}

export function createFront({ token, limiter, store, logger }: FrontOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: 4 * 1024 * 1024,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
  });

  // Official clients send "application/json" with an empty body on DELETE, and curl sends JSON as a form.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    const text = String(body).trim();
    if (text === "") return done(null, undefined);
    try {
      done(null, JSON.parse(text));
    } catch {
      done(new ApiError(400, "error parsing request body"));
    }
  });

  const expected = digest(token);
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    const given = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), expected))
      throw new ApiError(401, "Unable to authenticate you");
    reply.headers(limiter.count());
  });

  // An answer is sent when what it says is on disk.
  app.addHook("onSend", async (_request, _reply, payload) => {
    await store.flush();
    return payload;
  });

  app.addHook("onResponse", async (request, reply) => {
    logger.info(`${request.method} ${request.url} ${reply.statusCode} ${Math.round(reply.elapsedTime)} ms`);
  });

  app.setNotFoundHandler(() => {
    throw notFound();
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error instanceof ApiError ? error.status : (error.statusCode ?? 500);
    if (status >= 500) logger.error(`${request.method} ${request.url}: ${error.stack ?? error.message}`);
    if (error instanceof ApiError) reply.headers(error.headers);
    return reply.status(status).send({ id: errorId(status), message: error.message, request_id: request.id });
  });
  return app;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
