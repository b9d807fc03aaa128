/** All actions of the account, newest first. */
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.js";
import { notFound } from "../errors.js";
import { listOf } from "../paging.js";
import { numericId } from "../validation.js";
import { actionView } from "../views.js";

export function actionRoutes(app: FastifyInstance, { state }: Context): void {
  app.get("/v2/actions", (request) => listOf(request, "actions", [...state.actions].reverse(), actionView));

  app.get<{ Params: { action: string } }>("/v2/actions/:action", (request) => {
    const action = state.actions.find((candidate) => candidate.id === numericId(request.params.action));
    if (!action) throw notFound();
    return { action: actionView(action) };
  });
}
