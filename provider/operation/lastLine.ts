/** The last line of what a program has printed, where most say what went wrong; empty when it printed nothing. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
