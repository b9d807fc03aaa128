/** What the commands of an error do to a stack's configuration, as the engine does it. */

type Tree = Record<string, unknown>;

/** A command that can be run as it stands: it has no `<value>` to fill in. */
const command =
  /^(?:Set it|Remove \w+|Create the file, or remove the setting): pulumi config (set|rm) (?:--path (?:'([^']+)'|([\w.]+))|([\w:-]+))(?: (\S+))?(?: \(the nearest\)|, and revoke the secret: .+)?$/;

/** Whether a person has to choose the value. */
export const isOpen = (fix: string | undefined): boolean => fix === undefined || /<\w+>|--secret/.test(fix);

/** Names and indices of a path such as `a.b[0]["c.d"]`. */
const parts = (path: string): string[] =>
  [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);

/**
 * The settings after the command.
 * @throws Error when it is no command, or has no effect.
 */
export function follow(settings: Readonly<Tree>, fix: string): Tree {
  const [, verb, quoted, bare, plain, value] = command.exec(fix) ?? [];
  const path = quoted ?? bare;
  if (verb === undefined || (verb === "set") !== (value !== undefined)) throw new Error(`not a command: ${fix}`);
  const changed: Tree = structuredClone(settings);
  const names = path === undefined ? [plain!] : parts(path);
  const last = names.pop()!;
  let place = changed;
  for (const name of names) place = (place[name] ??= {}) as Tree;
  // As `pulumi config set --path` reads a value.
  const read = /^(\d+(\.\d+)?|true|false)$/.test(value ?? "") ? (JSON.parse(value!) as unknown) : value;
  if (verb === "set") place[last] = path !== undefined ? read : value;
  else if (!(last in place)) throw new Error(`${fix}: there is no such setting`);
  else if (Array.isArray(place)) place.splice(Number(last), 1);
  else delete place[last];
  return changed;
}
