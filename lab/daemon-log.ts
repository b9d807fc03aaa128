/** The daemon's log: JSON lines, bounded in size, without the API's token. */
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Bytes after which the log moves to `.1`. */
const limit = 8 * 1024 * 1024;

export class JsonLog {
  private size: number;

  constructor(
    private readonly file: string,
    private readonly secrets: readonly string[],
  ) {
    mkdirSync(dirname(file), { recursive: true });
    this.size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  info(message: string): void {
    this.write("info", message);
  }

  error(message: string): void {
    this.write("error", message);
  }

  private write(level: string, message: string): void {
    const clean = this.secrets.reduce((text, secret) => text.replaceAll(secret, "***"), message);
    const line = `${JSON.stringify({ time: new Date().toISOString(), level, message: clean })}\n`;
    if (this.size + line.length > limit) {
      renameSync(this.file, `${this.file}.1`);
      this.size = 0;
    }
    appendFileSync(this.file, line, { mode: 0o600 });
    this.size += Buffer.byteLength(line);
  }
}
