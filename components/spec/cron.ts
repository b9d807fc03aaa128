/** Times of recurring work, as cron writes them. Pure. */

interface Field {
  readonly from: number;
  readonly to: number;
  /** Names in place of numbers, the first for `from`. */
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  {
    from: 1,
    to: 12,
    names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { from: 0, to: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const words = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

/** Minute, hour, day of the month, month and day of the week, each an asterisk, values, ranges or steps; or a word such as `@daily`. */
export function isCron(text: string): boolean {
  if (words.includes(text)) return true;
  const parts = text.split(" ");
  return parts.length === fields.length && parts.every((part, index) => fits(part, fields[index]!));
}

const fits = (part: string, field: Field): boolean => part.split(",").every((range) => isRange(range, field));

/** One value, a range, or all; perhaps with a step. */
function isRange(text: string, field: Field): boolean {
  const [, range = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.to)) return false;
  if (range === "*") return true;
  const ends = range.split("-").map((end) => valueOf(end, field));
  const [from, to = from] = ends;
  return ends.length <= 2 && from !== undefined && to !== undefined && !ends.includes(undefined) && from <= to;
}

function valueOf(text: string, { from, to, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  const value = named >= 0 ? from + named : /^\d{1,2}$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value >= from && value <= to ? value : undefined;
}
