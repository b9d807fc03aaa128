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

/** A line of the engine's progress that warns. */
export const isWarning = (line: string): boolean => /^(\S+ \(\S+\): )?warning: /.test(line);
