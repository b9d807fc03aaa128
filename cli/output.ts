/** What commands print: results to standard output, everything else to standard error. */
import { withoutSecrets } from "../engine/secrets.js";

export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** A remark or an error; secrets in it are masked. */
export function say(text: string): void {
  process.stderr.write(`${withoutSecrets(text)}\n`);
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));

/** Columns padded to their widest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
