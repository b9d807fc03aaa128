/**
 * User-data as golden files: for each machine the list of its parts (`<role>-<cluster>.json`), and for each file and unit its content on
 * all machines (`contents/`). So a change of one file on machines is a change of one golden.
 */
import { decode } from "./decode.js";
import { cases, userData } from "./specs.js";

interface Decoded {
  readonly files: readonly { readonly path: string; readonly mode: string; readonly contents: readonly string[] }[];
}

/** Text of each golden by its path below `test/golden`. */
export function goldens(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  /** Path of a content golden -> content -> machines that have it. */
  const contents = new Map<string, Map<string, string[]>>();
  for (const { cluster, role, name: machine } of cases) {
    const note = (part: string, lines: readonly string[]): void => {
      const path = `contents/${part.replace(/^\//, "").replaceAll("/", "_")}.txt`;
      const variants = contents.get(path) ?? new Map<string, string[]>();
      const text = lines.join("\n");
      contents.set(path, variants.set(text, [...(variants.get(text) ?? []), machine]));
    };
    const { files, ...rest } = JSON.parse(decode(userData(cluster, role))) as Decoded;
    const list = {
      ...rest,
      files: files.map(({ path, mode, contents: lines }) => {
        note(path, lines);
        return `${mode} ${path}`;
      }),
    };
    found.set(`${machine}.json`, `${JSON.stringify(list, null, 2)}\n`);
  }
  for (const [path, variants] of contents) {
    const sections = [...variants].map(([text, machines]) => `==> ${machines.join(" ")}\n${text}\n`);
    found.set(path, sections.join(""));
  }
  return found;
}
