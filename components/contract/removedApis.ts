/** What the program asks about versions of the API that a release does not serve any more, and the answer. */
import { z } from "zod";

/** The provider's function that asks every API server which of them it was asked for. */
export const removedApisFunction = "corekube:releases:removedApis";

export const removedApisQuestion = z.object({
  /** Controllers that serve. */
  controllers: z.array(z.object({ machine: z.string(), host: z.string(), hostKey: z.string().optional() })),
  /** Number of the minor version that they are to serve, such as 37. */
  minor: z.number().int(),
  /** Through which they are reached. @default directly */
  bastion: z.string().optional(),
  user: z.string(),
  privateKey: z.string(),
  /** An administrator's. Its key stays here: the connection goes through SSH, and ends in the API server. */
  kubeconfig: z.string(),
  port: z.number().int().default(22),
  apiPort: z.number().int().default(6_443),
});

export type RemovedApisQuestion = z.input<typeof removedApisQuestion>;

/** A version of a resource of the API that was asked for and is removed. */
export type RemovedApi = {
  /** Such as `networking.k8s.io/v1beta1 servicecidrs`. */
  readonly api: string;
  /** Such as `1.37`. */
  readonly removedIn: string;
  /** Who has asked, by the audit logs: user and program. Empty: they have no note of it. */
  readonly clients: readonly string[];
};

export type RemovedApisAnswer = {
  readonly requested: readonly RemovedApi[];
  /** Since when all that answered have counted: the latest start of one of them, in ISO 8601. Undefined: none answered. */
  readonly since?: string | undefined;
  /** Controllers that gave no answer, with the reason. */
  readonly unanswered: Readonly<Record<string, string>>;
};
