/** Foreign text in Markdown: names and messages must not become mark-up, links or mentions. */

/** For running text. */
export function escape(text: string): string {
  return (
    text
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/[\\`*_[\]|~]/g, (character) => `\\${character}`)
      // A zero-width character prevents mentions and links to issues.
      .replace(/([@#!])(?=\w)/g, "$1\u200b")
      .replace(/\s*\n\s*/g, " ")
  );
}

/** Between backticks; also fit for a table's cell. */
export function code(text: string): string {
  const oneLine = text.replace(/\s*\n\s*/g, " ").replace(/\|/g, "\\|");
  const longest = Math.max(0, ...[...oneLine.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest > 0 ? `${fence} ${oneLine} ${fence}` : `${fence}${oneLine}${fence}`;
}

/** A block of text as it is. */
export function block(text: string): string {
  // Longer than any run of backticks within, so that nothing of the text gets out.
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${fence}text\n${text.trim()}\n${fence}`;
}

/** A table; `rows` are Markdown already. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** GitHub refuses comments over 65,536 characters; GitLab takes 1,000,000. */
const longestComment = 60_000;

/** Cuts at a line and adds a note. */
export function shorten(markdown: string, limit = longestComment): string {
  if (markdown.length <= limit) return markdown;
  const kept = markdown.slice(0, limit - 200);
  // An open fold would swallow the note.
  const open = (kept.match(/<details>/g)?.length ?? 0) > (kept.match(/<\/details>/g)?.length ?? 0);
  return `${kept.slice(0, kept.lastIndexOf("\n"))}\n${open ? "\n</details>\n" : ""}\n_Shortened; the full text is in the run's files._\n`;
}
