/**
 * Makes the engine's plain output fit for following: one line per resource that begins or ends, and what is still going
 * on when nothing else happens.
 */

/** ` +  digitalocean:index:Droplet kubernetes-etcd-0 creating (3s)` and its kin. */
const step =
  /^\s*[@~+\-<>=]*\s*([A-Za-z0-9_-]+:[^\s]+)\s+(\S+)\s+(creating|created|updating|updated|deleting|deleted|replacing|replaced|reading|read|refreshing|refreshed)\b(?: (?:original|replacement))?(?: \([0-9.ms]+\))?(.*)$/;

/** ` +  digitalocean:index:Droplet kubernetes-etcd-0 **creating failed** 1 error` */
const failure = /^\s*[@~+\-<>=]*\s*([A-Za-z0-9_-]+:[^\s]+)\s+(\S+)\s+\*\*.*failed\*\*/;

const beginnings = new Set(["creating", "updating", "deleting", "replacing", "reading", "refreshing"]);

/** Lines that tell nothing new: dots of a living engine, where a plugin was found, and headings. */
const noise = [
  /^@ .*\.\.\.+$/,
  /warning: using pulumi-\S+ from \$PATH/,
  /^\d+ warnings?$/,
  /^(Updating|Destroying|Previewing update) \(.*\):$/,
];

/** Components and the stack itself last as long as their children and do nothing themselves; the provider's own resources do. */
const isComponent = (type: string): boolean =>
  type.startsWith("pulumi:pulumi:") || (type.startsWith("corekube:") && !/^corekube:(machine|cluster):/.test(type));

/** True for a line that a reader can do without. */
export function isNoise(line: string): boolean {
  const text = line.trim();
  return text === "" || noise.some((pattern) => pattern.test(text));
}

export class EngineProgress {
  /** Resources at work, by name, since when. */
  private readonly open = new Map<string, { readonly what: string; readonly since: number; said: string }>();
  private changed = 0;
  /** Between "Diagnostics:" and "Resources:" the engine repeats what it told before; a failed run shows it at its end. */
  private repeating = false;

  constructor(
    private readonly report: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** Takes one line of the engine's output. */
  line(text: string): void {
    const clean = text.trimEnd();
    const match = step.exec(clean);
    if (/^(Diagnostics|Outputs):/.test(clean)) this.repeating = true;
    if (/^(Resources|Duration):/.test(clean)) this.repeating = false;
    if (!match) {
      const failed = failure.exec(clean);
      if (failed) this.open.delete(`${failed[1] ?? ""} ${failed[2] ?? ""}`);
      if (!this.repeating && !isNoise(clean)) this.report(clean.trim());
      return;
    }
    const [, type = "", name = "", verb = "", rest = ""] = match;
    const key = `${type} ${name}`;
    if (isComponent(type)) {
      if (!beginnings.has(verb)) this.changed += 1;
      return;
    }
    if (beginnings.has(verb)) {
      const known = this.open.get(key) ?? {
        what: `${verb} ${name} (${type.split(":").at(-1) ?? type})`,
        since: this.now(),
        said: "",
      };
      // What the provider says about it, such as what a machine is waited for; not the list of changed inputs.
      const said = rest.trim();
      if (said && !said.startsWith("[diff:")) known.said = `: ${said.slice(0, 160)}`;
      this.open.set(key, known);
      return;
    }
    const began = this.open.get(key);
    this.open.delete(key);
    if (verb !== "read" && verb !== "refreshed") this.changed += 1;
    const took = began ? ` in ${Math.round((this.now() - began.since) / 1000)} s` : "";
    this.report(`${name} (${type.split(":").at(-1) ?? type}) ${verb}${took}`);
  }

  /** What is at work now, longest first; empty when nothing. */
  waiting(): string {
    return [...this.open.values()]
      .sort((a, b) => a.since - b.since)
      .slice(0, 4)
      .map(({ what, since, said }) => `${what}, ${Math.round((this.now() - since) / 1000)} s${said}`)
      .join("; ");
  }

  /** Resources that were created, changed or removed. */
  get changes(): number {
    return this.changed;
  }
}
