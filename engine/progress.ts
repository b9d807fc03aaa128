/** Progress of a run from the engine's events: one line for each resource that is done, and the operations in progress. */
import { plainText, type EngineEvent, type StepMetadata } from "./events.js";

/** Operations that take time, by what they are doing and what they have done. */
const verbs: Readonly<Record<string, readonly [string, string]>> = {
  create: ["creating", "created"],
  update: ["updating", "updated"],
  delete: ["deleting", "deleted"],
  "create-replacement": ["replacing", "replaced"],
  "delete-replaced": ["deleting", "deleted"],
  import: ["importing", "imported"],
  read: ["reading", "read"],
  refresh: ["refreshing", "refreshed"],
};

/** Messages about every plugin that comes from PATH: in the lab all of them do. */
const noise = /^using pulumi-\S+ from \$PATH/;

/** The SDK puts this before an error once for each input that waits for it; the cause comes last. */
const waitingInputs = /(?:error serializing property "[^"]*": )+/g;

/** Components and the stack last as long as their children and do nothing themselves. */
const isComponent = (type: string): boolean =>
  type.startsWith("pulumi:pulumi:") || (type.startsWith("corekube:") && !/^corekube:(machine|cluster):/.test(type));

export class EngineProgress {
  /** Resources with an operation in progress, by URN. */
  private readonly open = new Map<string, { readonly what: string; readonly since: number; status: string }>();
  private readonly problems: string[] = [];
  /** Resources that were created, changed or removed. */
  changes = 0;

  constructor(
    private readonly report: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  event({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, ...rest }: EngineEvent): void {
    if (resourcePreEvent) this.begin(resourcePreEvent.metadata);
    if (resOutputsEvent) this.end(resOutputsEvent.metadata);
    if (resOpFailedEvent) this.open.delete(resOpFailedEvent.metadata.urn);
    if (rest.diagnosticEvent) this.diagnostic(rest.diagnosticEvent);
    if (rest.policyEvent?.enforcementLevel === "mandatory")
      this.problems.push(`policy ${rest.policyEvent.policyName}: ${plainText(rest.policyEvent.message)}`);
    const counts = Object.entries(rest.summaryEvent?.resourceChanges ?? {});
    if (counts.length > 0) this.report(`resources: ${counts.map(([op, count]) => `${count} ${op}`).join(", ")}`);
  }

  private begin({ op, urn, type }: StepMetadata): void {
    const verb = verbs[op];
    if (verb && !isComponent(type))
      this.open.set(urn, { what: `${verb[0]} ${describe(urn)}`, since: this.now(), status: "" });
  }

  private end({ op, urn, type }: StepMetadata): void {
    const verb = verbs[op];
    if (!verb) return;
    if (op !== "read" && op !== "refresh") this.changes += 1;
    if (isComponent(type)) return;
    const began = this.open.get(urn);
    this.open.delete(urn);
    const took = began ? ` in ${Math.round((this.now() - began.since) / 1000)} s` : "";
    this.report(`${describe(urn)} ${verb[1]}${took}`);
  }

  private diagnostic({ urn, message, severity, ephemeral }: NonNullable<EngineEvent["diagnosticEvent"]>): void {
    const text = plainText(message).replace(waitingInputs, "");
    if (text === "" || noise.test(text)) return;
    const resource = urn === undefined ? undefined : this.open.get(urn);
    // A provider's word on what it waits for; it also shows which of several resources holds up the run.
    if (resource && severity.startsWith("info")) resource.status = `: ${(text.split("\n").at(-1) ?? "").slice(0, 160)}`;
    if (ephemeral || (resource && severity.startsWith("info"))) return;
    const line = `${urn ? `${describe(urn)}: ` : ""}${severity.startsWith("info") ? "" : `${severity}: `}${text}`;
    if (severity === "error") this.problems.push(line);
    this.report(line);
  }

  /** Operations in progress, longest first; empty if there are none. */
  waiting(): string {
    return [...this.open.values()]
      .sort((a, b) => a.since - b.since)
      .slice(0, 4)
      .map(({ what, since, status }) => `${what}, ${Math.round((this.now() - since) / 1000)} s${status}`)
      .join("; ");
  }

  /** What went wrong, by resource; what the engine reported on standard error when no event says. */
  failure(errors: string): string {
    return this.problems.join("\n") || errors.trim().split("\n").slice(-30).join("\n");
  }
}

/** `kubernetes-etcd-0 (Droplet)` */
function describe(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return `${name} (${type.split(":").at(-1) ?? type})`;
}
