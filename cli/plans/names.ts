/** The plans that a cluster has. */
export const planNames = ["deploy", "recovery", "replace", "update", "uninstall"] as const;

export type PlanName = (typeof planNames)[number];
