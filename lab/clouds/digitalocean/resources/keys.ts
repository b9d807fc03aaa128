/** SSH keys: public keys that droplets get at creation. */
import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { utils } from "ssh2";
import type { Context } from "../context.js";
import { notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { KeyRecord, State } from "../state.js";
import { parse, z } from "../validation.js";

const create = z.object({
  name: z.string({ error: "name is required" }).min(1, "Name can't be blank"),
  public_key: z.string({ error: "public_key is required" }).trim().min(1, "Key can't be blank"),
});
const update = z.object({ name: z.string({ error: "name is required" }).min(1, "Name can't be blank") });

export function keyRoutes(app: FastifyInstance, { state, store }: Context): void {
  app.get("/v2/account/keys", (request) => listOf(request, "ssh_keys", state.keys, (key) => key));

  app.post("/v2/account/keys", (request, reply) => {
    const { name, public_key } = parse(create, request.body);
    const fingerprint = keyFingerprint(public_key);
    if (state.keys.some((key) => key.fingerprint === fingerprint))
      throw unprocessable("SSH Key is already in use on your account");
    const key: KeyRecord = { id: store.id(), fingerprint, public_key, name };
    state.keys.push(key);
    store.changed();
    return reply.status(201).send({ ssh_key: key });
  });

  app.get<{ Params: { key: string } }>("/v2/account/keys/:key", (request) => ({
    ssh_key: requireKey(state, request.params.key),
  }));

  app.put<{ Params: { key: string } }>("/v2/account/keys/:key", (request) => {
    const key = requireKey(state, request.params.key);
    key.name = parse(update, request.body).name;
    store.changed();
    return { ssh_key: key };
  });

  app.delete<{ Params: { key: string } }>("/v2/account/keys/:key", (request, reply) => {
    const key = requireKey(state, request.params.key);
    state.keys = state.keys.filter((candidate) => candidate !== key);
    store.changed();
    return reply.status(204).send();
  });
}

/** By id or fingerprint. */
export const findKey = (state: State, identifier: string | number): KeyRecord | undefined =>
  state.keys.find((key) => String(key.id) === String(identifier) || key.fingerprint === identifier);

function requireKey(state: State, identifier: string): KeyRecord {
  const key = findKey(state, identifier);
  if (!key) throw notFound();
  return key;
}

/**
 * MD5 of the key's wire format, as OpenSSH prints it.
 * @throws ApiError 422 when the text is no public key in OpenSSH's format.
 */
function keyFingerprint(publicKey: string): string {
  const parsed = utils.parseKey(publicKey);
  if (parsed instanceof Error || parsed.isPrivateKey() || !/^(ssh-|ecdsa-|sk-)/.test(publicKey)) {
    throw unprocessable(
      'Key invalid, key should be of the format "[type] [key] [comment]", for instance "ssh-ed25519 AAAA... me"',
    );
  }
  const digest = createHash("md5").update(parsed.getPublicSSH()).digest("hex");
  return (digest.match(/../g) ?? []).join(":");
}
