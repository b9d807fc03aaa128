/** The plans that a cluster has, and the words for where they stand. */
export const planNames = ["deploy", "recovery", "replace", "update", "uninstall"] as const;

export type PlanName = (typeof planNames)[number];

export type StepState = "PENDING" | "STARTED" | "COMPLETE" | "ERROR";

/** Of phases and plans; `WAITING`: shown before anybody has started it. */
export type PhaseState = "PENDING" | "IN_PROGRESS" | "COMPLETE" | "ERROR" | "WAITING";

/** How steps follow each other. */
export type Strategy = "serial" | "parallel";

export interface Step {
  /** What it is about: a machine, an add-on. */
  readonly name: string;
  /** What of it, such as `kubelet`. */
  readonly part: string;
  readonly state: StepState;
  /** What happens, or what went wrong. */
  readonly detail?: string;
  /** What it is expected to take, alone. Only before a run, and where there are figures. */
  readonly seconds?: number;
}

export interface Phase {
  readonly name: string;
  readonly strategy: Strategy;
  /** Of machines that serve, so many may be away together. @default all */
  readonly atOnce?: number;
  readonly state: PhaseState;
  /** What it is expected to take: steps that change together count once. */
  readonly seconds?: number;
  readonly steps: readonly Step[];
}

export interface Plan {
  readonly name: PlanName;
  readonly strategy: Strategy;
  readonly state: PhaseState;
  /** What the run is expected to take. */
  readonly seconds?: number;
  readonly phases: readonly Phase[];
}
