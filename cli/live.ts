/** Text that changes: drawn in place on a terminal; elsewhere, each line once when it is new. */
import { clearScreenDown, moveCursor } from "node:readline";

export class Live {
  #height = 0;
  readonly #said = new Set<string>();

  constructor(private readonly output: NodeJS.WriteStream = process.stdout) {}

  draw(text: string): void {
    const lines = text.split("\n");
    if (!this.output.isTTY) {
      for (const line of lines) {
        // The drawing around it changes with its neighbours.
        const bare = line.replace(/^[│├└─ ]+/, "");
        if (!this.#said.has(bare)) this.output.write(`${bare}\n`);
        this.#said.add(bare);
      }
      return;
    }
    // A terminal that does not know its size says 0.
    const rows = this.output.rows || 24;
    const columns = this.output.columns || 80;
    // What does not fit cannot be drawn over: the end is what a run is at.
    const fitting = lines.length < rows ? lines : [lines[0]!, "...", ...lines.slice(lines.length - rows + 4)];
    if (this.#height > 0) {
      moveCursor(this.output, 0, -this.#height);
      clearScreenDown(this.output);
    }
    this.output.write(`${fitting.map((line) => line.slice(0, columns - 1)).join("\n")}\n`);
    this.#height = fitting.length;
  }
}
