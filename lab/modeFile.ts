/** Modes of a region that are kept in a JSON file, so that they may change while it runs. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { LabConfig } from "./config.js";

type Region = Pick<LabConfig, "directory">;

export interface ModeFile<Mode> {
  readonly path: (config: Region) => string;
  /** @throws Error naming the file, when it is not of the form. @returns an empty mode, where there is no file. */
  readonly read: (config: Region) => Mode;
  readonly write: (config: Region, wanted: Mode) => void;
}

/** @param schema All of its properties are optional. */
export function modeFile<Schema extends z.ZodType<object>>(name: string, schema: Schema): ModeFile<z.infer<Schema>> {
  const path = (config: Region): string => join(config.directory, name);
  return {
    path,
    read: (config) => {
      let text = "{}";
      try {
        text = readFileSync(path(config), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
      const parsed = schema.safeParse(JSON.parse(text));
      if (!parsed.success) throw new Error(`${path(config)}: ${z.prettifyError(parsed.error)}`);
      return parsed.data;
    },
    write: (config, wanted) => {
      mkdirSync(config.directory, { recursive: true, mode: 0o700 });
      writeFileSync(path(config), `${JSON.stringify(wanted)}\n`);
    },
  };
}
