/** Numbers by which the machines of instances are known here: links and folders are named by them. Kept on disk. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeAtomically } from "../../process/files.js";

interface Kept {
  next: number;
  ids: Record<string, number>;
}

export class InstanceNumbers {
  private readonly kept: Kept;

  constructor(private readonly file: string) {
    this.kept = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept) : { next: 1, ids: {} };
  }

  /** The number of an instance; a new one gets the next, which is never used again. */
  readonly of = (instance: string): number => {
    const known = this.kept.ids[instance];
    if (known !== undefined) return known;
    const number = this.kept.next++;
    this.kept.ids[instance] = number;
    this.write();
    return number;
  };

  /** Instances that have a number. */
  get instances(): readonly string[] {
    return Object.keys(this.kept.ids);
  }

  forget(instance: string): void {
    delete this.kept.ids[instance];
    this.write();
  }

  private write(): void {
    mkdirSync(dirname(this.file), { recursive: true });
    writeAtomically(this.file, `${JSON.stringify(this.kept)}\n`, 0o600);
  }
}
