/** Who was away when, from the engine's events of a run. Pure. */
import { plainText, type EngineEvent, type StepMetadata } from "./events.js";

/** Resources that make a machine serve. */
const serving = /^corekube:machine:(Delivery|Join)$/;

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** A machine that was made, changed, replaced or removed: from the beginning of it, gates included, until it served. */
export interface Span {
  readonly machine: string;
  readonly role: string;
  readonly what: "made" | "changed" | "replaced" | "removed";
  /** Milliseconds since the run began. */
  readonly from: number;
  readonly to: number;
  readonly failed: boolean;
  /** What it waited for, as the provider said it. */
  readonly notes: readonly string[];
}

export interface TimelineData {
  readonly spans: readonly Span[];
  /** Milliseconds. */
  readonly length: number;
}

type Open = { -readonly [Key in keyof Omit<Span, "to" | "failed" | "notes">]: Span[Key] } & {
  readonly notes: string[];
};

const whats: Readonly<Record<string, Span["what"]>> = {
  create: "made",
  update: "changed",
  "delete-replaced": "replaced",
  "create-replacement": "replaced",
  delete: "removed",
};

/** The first half of a replacement: the machine is away until the second has ended. */
const firstHalf = "delete-replaced";

const mostNotes = 5;

export class Timeline {
  readonly #open = new Map<string, Open>();
  readonly #spans: Span[] = [];
  #began: number | undefined;
  #last = 0;

  /** @param at Milliseconds of any clock. */
  event({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent }: EngineEvent, at: number): void {
    this.#began ??= at;
    this.#last = at - this.#began;
    if (resourcePreEvent) this.#begin(resourcePreEvent.metadata);
    if (resOutputsEvent && resOutputsEvent.metadata.op !== firstHalf) this.#end(resOutputsEvent.metadata, false);
    if (resOpFailedEvent) this.#end(resOpFailedEvent.metadata, true);
    if (diagnosticEvent?.urn && diagnosticEvent.severity.startsWith("info"))
      this.#note(nameOf(diagnosticEvent.urn), plainText(diagnosticEvent.message).split("\n").at(-1) ?? "");
  }

  data(): TimelineData {
    // What is still open was interrupted.
    const open = [...this.#open.values()].map((span): Span => ({ ...span, to: this.#last, failed: true }));
    return { spans: [...this.#spans, ...open].sort((a, b) => a.from - b.from), length: this.#last };
  }

  #begin({ urn, op, type }: StepMetadata): void {
    const what = whats[op];
    if (what === undefined || !serving.test(type)) return;
    const name = nameOf(urn);
    if (this.#open.has(name)) return;
    this.#open.set(name, { machine: name, role: name.split("-").at(-2) ?? "", what, from: this.#last, notes: [] });
  }

  #end({ urn, op, type }: StepMetadata, failed: boolean): void {
    if (!serving.test(type)) return;
    if (whats[op] === undefined && !failed) return;
    const name = nameOf(urn);
    const open = this.#open.get(name);
    if (open === undefined) return;
    this.#open.delete(name);
    this.#spans.push({ ...open, to: this.#last, failed });
  }

  #note(machine: string, text: string): void {
    const notes = this.#open.get(machine)?.notes;
    if (notes !== undefined && text !== "" && !notes.includes(text) && notes.length < mostNotes) notes.push(text);
  }
}

/** The most machines of each role that were away together; what is made takes nothing away. */
export function awayTogether(spans: readonly Span[]): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  const away = spans.filter(({ what }) => what !== "made");
  for (const span of away) {
    const others = away.filter(({ role, from, to }) => role === span.role && from <= span.from && to > span.from);
    most.set(span.role, Math.max(most.get(span.role) ?? 0, others.length));
  }
  return most;
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10} s`;

const awayText = (spans: readonly Span[]): string =>
  [...awayTogether(spans)].map(([role, count]) => `${role} ${count}`).join(", ");

/** Characters of a bar. */
const barWidth = 40;

export function timelineText({ spans, length }: TimelineData): string {
  if (spans.length === 0) return `no machine changed in ${seconds(length)}`;
  const width = Math.max(...spans.map(({ machine }) => machine.length));
  const at = (time: number): number => Math.round((time / Math.max(1, length)) * barWidth);
  const lines = spans.flatMap(({ machine, what, from, to, failed, notes }) => {
    const start = Math.min(at(from), barWidth - 1);
    const bar = "█".repeat(Math.max(1, at(to) - start)).padStart(start + Math.max(1, at(to) - start), "·");
    const line = `${machine.padEnd(width)} ${bar.padEnd(barWidth, "·")} ${what} in ${seconds(to - from)}, from ${seconds(from)} on${failed ? ", FAILED" : ""}`;
    return [line, ...notes.map((note) => `${" ".repeat(width)}   ${note}`)];
  });
  const away = awayText(spans);
  return [...lines, "", `the run took ${seconds(length)}${away === "" ? "" : `; away together at most: ${away}`}`].join(
    "\n",
  );
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[character]!);

const colors: Readonly<Record<string, string>> = {
  etcd: "#4e79a7",
  controller: "#f28e2b",
  worker: "#59a14f",
  public: "#76b7b2",
};
const failedColor = "#e15759";

/** A picture of its own, without scripts and fonts from elsewhere. */
export function timelineSvg({ spans, length }: TimelineData, title: string): string {
  const [row, labels, chart, top] = [22, 230, 560, 56];
  const height = top + spans.length * row + 44;
  const x = (time: number): number => Math.round(labels + (time / Math.max(1, length)) * chart);
  const tick = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].find((each) => length / 1000 / each <= 8) ?? 7200;
  const ticks = Array.from({ length: Math.floor(length / 1000 / tick) + 1 }, (_, index) => index * tick);
  const grid = ticks.map(
    (at) =>
      `<line x1="${x(at * 1000)}" y1="${top - 8}" x2="${x(at * 1000)}" y2="${height - 36}" stroke="#ddd"/>` +
      `<text x="${x(at * 1000)}" y="${top - 14}" text-anchor="middle" fill="#666">${at} s</text>`,
  );
  const bars = spans.map(({ machine, role, what, from, to, failed, notes }, index) => {
    const y = top + index * row;
    const hint = [`${machine}: ${what} in ${seconds(to - from)}${failed ? ", failed" : ""}`, ...notes].join("\n");
    return (
      `<text x="${labels - 8}" y="${y + 14}" text-anchor="end">${escape(machine)}</text>` +
      `<rect x="${x(from)}" y="${y + 3}" width="${Math.max(2, x(to) - x(from))}" height="${row - 8}" rx="2" fill="${failed ? failedColor : (colors[role] ?? "#999")}"><title>${escape(hint)}</title></rect>` +
      `<text x="${x(to) + 6}" y="${y + 14}" fill="#444">${what} in ${seconds(to - from)}${failed ? ", failed" : ""}</text>`
    );
  });
  const away = awayText(spans);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${labels + chart + 150}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="12" y="20" font-size="14" font-weight="bold">${escape(title)}</text>`,
    ...grid,
    ...bars,
    `<text x="12" y="${height - 12}" fill="#444">${escape(`the run took ${seconds(length)}${away === "" ? "" : `; away together at most: ${away}`}`)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}
