/** A control of the benchmark, and helpers to write controls. */
import type { ClusterFacts, FileFact, MachineFacts, Process } from "./facts.js";

export interface Control {
  /** As in the CIS Kubernetes Benchmark 1.12. */
  readonly id: string;
  readonly title: string;
  /** Findings, one line each; empty when the control passes. */
  readonly check: (facts: ClusterFacts) => readonly string[];
}

type Program = "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "etcd" | "kubelet";

const rolesOf = (program: Program): readonly string[] =>
  program === "etcd" ? ["etcd"] : program === "kubelet" ? ["controller", "worker", "public"] : ["controller"];

/** Checks a program on every machine that must run it; a missing program fails. `wrong` returns the finding, if any. */
export function ofProgram(
  id: string,
  program: Program,
  title: string,
  wrong: (process: Process, machine: MachineFacts) => string | undefined,
): Control {
  const check = ({ machines }: ClusterFacts): string[] => {
    const hosts = machines.filter(({ role }) => rolesOf(program).includes(role));
    if (hosts.length === 0) return [`no machine runs ${program}`];
    return hosts.flatMap((machine) => {
      const process = machine.processes.get(program);
      const problem = process ? wrong(process, machine) : `${program} does not run`;
      return problem === undefined ? [] : [`${machine.name}: ${problem}`];
    });
  };
  return { id, title, check };
}

/** The flag has one of the values; `undefined` means that it may be absent. */
export function flag(
  id: string,
  program: Program,
  name: string,
  values: readonly (string | undefined)[],
  title = `${program}: --${name} is ${values.map((value) => value ?? "not set").join(" or ")}`,
): Control {
  return ofProgram(id, program, title, ({ flags }) =>
    values.includes(flags.get(name)) ? undefined : `--${name}: got ${flags.get(name) ?? "nothing"}`,
  );
}

/** All of the flags are set. */
export function set(id: string, program: Program, ...names: readonly string[]): Control {
  return ofProgram(id, program, `${program}: ${names.map((name) => `--${name}`).join(" and ")} set`, ({ flags }) => {
    const missing = names.filter((name) => !flags.get(name));
    return missing.length === 0 ? undefined : `not set: ${missing.join(", ")}`;
  });
}

/** The list in a flag contains the word, or does not. */
export function listed(id: string, program: Program, name: string, word: string, wanted = true): Control {
  return ofProgram(
    id,
    program,
    `${program}: --${name} ${wanted ? "contains" : "does not contain"} ${word}`,
    ({ flags }) =>
      (flags.get(name) ?? "").split(",").includes(word) === wanted
        ? undefined
        : `--${name}: got ${flags.get(name) ?? "nothing"}`,
  );
}

/** The flag is a number of at least `least`. */
export function atLeast(id: string, program: Program, name: string, least: number): Control {
  return ofProgram(id, program, `${program}: --${name} is at least ${least}`, ({ flags }) =>
    Number(flags.get(name)) >= least ? undefined : `--${name}: got ${flags.get(name) ?? "nothing"}`,
  );
}

type Select = (file: FileFact, machine: MachineFacts) => boolean;

function ofFiles(
  id: string,
  title: string,
  select: Select,
  need: boolean,
  wrong: (file: FileFact) => string | undefined,
): Control {
  const check = ({ machines }: ClusterFacts): string[] => {
    const found = machines.flatMap((machine) =>
      machine.files.filter((file) => select(file, machine)).map((file) => ({ machine, file })),
    );
    if (need && found.length === 0) return ["no machine has such a file"];
    return found.flatMap(({ machine, file }) => {
      const problem = wrong(file);
      return problem === undefined ? [] : [`${machine.name}: ${file.path}: ${problem}`];
    });
  };
  return { id, title, check };
}

/** No permission beyond `most`. @param need Whether there must be such a file. */
export function mode(id: string, title: string, select: Select, most: number, need = true): Control {
  return ofFiles(id, `${title}: mode ${most.toString(8)} at most`, select, need, (file) =>
    (file.mode & ~most) === 0 ? undefined : `mode ${file.mode.toString(8)}`,
  );
}

export function owner(id: string, title: string, select: Select, wanted: string, need = true): Control {
  return ofFiles(id, `${title}: owned by ${wanted}`, select, need, (file) =>
    file.owner === wanted ? undefined : `owned by ${file.owner}`,
  );
}

export const at =
  (...paths: readonly string[]): Select =>
  (file) =>
    file.kind === "file" && paths.includes(file.path);

/** For the running kubelet's configuration. */
export function kubelet(
  id: string,
  title: string,
  right: (configuration: Readonly<Record<string, unknown>>) => boolean,
  show: string,
): Control {
  const check = ({ machines }: ClusterFacts): string[] => {
    const nodes = machines.filter(({ role }) => role !== "etcd");
    if (nodes.length === 0) return ["no machine runs a kubelet"];
    return nodes.flatMap((machine) => {
      if (!machine.kubelet) return [`${machine.name}: its kubelet did not return its configuration`];
      return right(machine.kubelet)
        ? []
        : [`${machine.name}: ${show} is ${JSON.stringify(machine.kubelet[show]) ?? "not set"}`];
    });
  };
  return { id, title: `kubelet: ${title}`, check };
}
