/** The command line: every command with its options, help and examples. What a command does is loaded when it is called. */
import { Command, type CommanderError, Option } from "commander";
import { version } from "../package.json";
import { badUsage, exitCodes, type ExitCode } from "./problem.js";
import { planNames } from "./plans/names.js";
import type { DashboardOptions } from "./commands/dashboard.js";
import type { PlanOptions, ShowOptions, StatusOptions } from "./commands/plan.js";
import type { UpdateOptions } from "./commands/update.js";
import type { RunOptions } from "./run.js";
import type { StackOptions } from "./stack.js";

/** Exit codes as help texts list them; `failed` says what else 1 means for a command. */
const codesText = (failed = "failed, or refused"): string =>
  `Exit codes: ${exitCodes.ok} done, ${exitCodes.failed} ${failed}, ${exitCodes.usage} the command line is wrong`;

interface Help {
  readonly examples: readonly string[];
  /** What exit code 1 means. */
  readonly failed?: string;
  /** Said before the examples. @default nothing */
  readonly note?: string;
}

/** Adds a command with what all of them have: the choice of stack, examples, exit codes. */
function add(parent: Command, usage: string, description: string, { examples, failed, note }: Help): Command {
  return parent
    .command(usage)
    .description(description)
    .option("-s, --stack <name>", "the stack (default: the selected one)")
    .option("-C, --cwd <folder>", "folder of the program (default: this checkout)")
    .addHelpText(
      "after",
      `${note === undefined ? "" : `\n${note}\n`}\n${examples.length > 1 ? "Examples" : "Example"}:\n${examples.map((line) => `  ${line}`).join("\n")}\n\n${codesText(failed)}`,
    );
}

/** @param done Takes the exit code. */
export function createProgram(done: (code: ExitCode) => void): Command {
  const program = new Command("corekube")
    // `update` has an option of the same name.
    .enablePositionalOptions()
    .version(version, "-V, --version", "the checkout's version")
    .description(
      "Watches and changes a corekube cluster: one Pulumi stack. It adds nothing that plain pulumi and kubectl could not do.",
    )
    .addHelpText(
      "after",
      `\nExamples:\n  corekube kubeconfig && kubectl get nodes\n  corekube status --stack prod\n  corekube plan status update --watch\n\n${codesText()}\nMore: docs/command.md`,
    );
  const run: Run =
    (action) =>
    async (...args) =>
      done(await action(...args));

  add(program, "kubeconfig", "merge the administrator's kubeconfig into your own, and select its context", {
    examples: [
      "corekube kubeconfig --stack prod",
      "corekube kubeconfig --stdout > prod.kubeconfig",
      "corekube kubeconfig --remove",
    ],
    note: "Everything else in the file stays. The context is named <cluster>-<stack>. The file is written in one step, readable by its owner only.",
  })
    .option("-f, --file <file>", "the file (default: $KUBECONFIG, else ~/.kube/config)")
    .option("--context <name>", "name of the context (default: <cluster>-<stack>)")
    .option("--no-select", "leave the current context as it is")
    .addOption(
      new Option("--stdout", "print it, private key included, and write no file").conflicts(["file", "remove"]),
    )
    .addOption(new Option("--remove", "remove context, cluster and user from the file again"))
    .action(
      run(async (options: StackOptions & { select: boolean }) =>
        (await import("./commands/kubeconfig.js")).kubeconfig(options),
      ),
    );

  add(program, "dashboard", "open a tunnel to the dashboard, and say how to sign in", {
    examples: ["corekube dashboard", "corekube dashboard --stack prod --port 0"],
    note: "Needs the add-on: pulumi config set --path addons.dashboard.enabled true. The tunnel leads through the cluster's API to\n127.0.0.1 of this machine, until Ctrl-C. Its address goes to standard output, everything else to standard error.",
  })
    .option("-p, --port <port>", "port on this machine; 0: any free one", "4466")
    .action(run(async (options: DashboardOptions) => (await import("./commands/dashboard.js")).dashboard(options)));

  addPlans(program, run);
  addReports(program, run);
  addChanges(program, run);
  strict(program);
  return program;
}

interface ReportOptions extends StackOptions {
  readonly json?: boolean;
}

type Run = <Args extends readonly unknown[]>(
  action: (...args: Args) => Promise<ExitCode>,
) => (...args: Args) => Promise<void>;

function addPlans(program: Command, run: Run): void {
  const plan = program
    .command("plan")
    .description("plans as trees: what a run would do, and where one stands")
    .addHelpText("after", `\nExample:\n  corekube plan show update\n\n${codesText()}`);
  const load = () => import("./commands/plan.js");
  add(plan, "list", "the plans that a cluster has", { examples: ["corekube plan list"] })
    .option("--json", "as JSON")
    .action(run(async (options: PlanOptions) => (await load()).list(options)));
  add(plan, "show", "what a run would do, in which order; asks the engine for a preview, and changes nothing", {
    examples: [
      "corekube plan show update",
      "corekube plan show replace --machine kubernetes-worker-0",
      "corekube plan show uninstall --json",
    ],
  })
    .argument("<plan>", planNames.join(", "))
    .option("-m, --machine <name>", "for the plan replace: which machine")
    .option("--all", "every step, also of long runs of equal ones")
    .option("--json", "as JSON")
    .action(run(async (name: string, options: ShowOptions) => (await load()).show(name, options)));
  add(plan, "status", "where the run that is under way, or was last, stands", {
    examples: ["corekube plan status deploy", "corekube plan status update --watch"],
    failed: "a step failed, or the state cannot be read",
    note: "Read from the stack's state, which a run writes after each step, whoever started it. The events of a run also say what it\nhas still to do: pulumi up --yes --json > run.json, and here --events run.json.",
  })
    .argument("<plan>", planNames.join(", "))
    .option("-w, --watch", "until the run ends; on a terminal drawn in place, elsewhere a line for each change")
    .option("--events <file>", "read the run's events instead of the state")
    .option("--all", "every step, also of long runs of equal ones")
    .option("--json", "as JSON")
    .action(run(async (name: string, options: StatusOptions) => (await load()).status(name, options)));
}

function addReports(program: Command, run: Run): void {
  add(program, "status", "the whole cluster: machines, etcd members, versions, certificates, and what is wrong", {
    examples: ["corekube status", "corekube status --json | jq -r '.problems[]'"],
    failed: "something is wrong, or the state cannot be read",
    note: "From the stack's state and the cluster's API. Each problem is listed with a command that leads on.",
  })
    .option("--json", "as JSON")
    .action(run(async (options: ReportOptions) => (await import("./commands/status.js")).status(options)));
  add(program, "certificates", "the cluster's certificates: whose, by whom, and how long they are valid", {
    examples: ["corekube certificates", "corekube certificates --json | jq '.[0].daysLeft'"],
    failed: "one is to be renewed now, or the state cannot be read",
    note: "From the stack's state, the next to end first. Kubelets of workers have certificates of their own, which they renew themselves.",
  })
    .option("--json", "as JSON")
    .action(run(async (options: ReportOptions) => (await import("./commands/certificates.js")).certificates(options)));
  add(program, "versions", "versions that the cluster runs, and those that this checkout has", {
    examples: ["corekube versions", "corekube versions --json | jq -r .cluster.kubernetes"],
  })
    .option("--json", "as JSON")
    .action(run(async (options: ReportOptions) => (await import("./commands/versions.js")).versions(options)));
}

function addChanges(program: Command, run: Run): void {
  const asking = (command: Command): Command =>
    command
      .option("-y, --yes", "do not ask")
      .option("--timeline <folder>", "where the run's timeline goes, as text and SVG", "corekube-output")
      .option("--no-timeline", "write no files");
  const failed = "failed, or not confirmed";
  asking(
    add(program, "replace", "replace one machine: shows what that does, asks, and runs pulumi up --replace", {
      examples: ["corekube replace kubernetes-worker-0"],
      failed,
    }),
  )
    .argument("<machine>", "its name, as corekube status lists it")
    .action(
      run(async (machine: string, options: RunOptions) =>
        (await import("./commands/replace.js")).replace(machine, options),
      ),
    );
  asking(
    add(program, "update", "change settings: shows the differences and the plan, asks, sets them, and runs pulumi up", {
      examples: [
        "corekube update --options options.yaml",
        "corekube update --version 1.36.3",
        "corekube update --finalize --yes",
      ],
      failed,
      note: "The file has settings by name, as YAML or JSON: those in it change, maps are merged, null removes one.\nAnother minor version of Kubernetes comes in two steps: the control plane first, which emulates the version before, and with --finalize everything else. Until then --back returns.\nWithout a yes, nothing is changed.",
    }),
  )
    .option("-o, --options <file>", "a file with the settings that change")
    .addOption(new Option("--version <version>", "the version of Kubernetes").conflicts("options"))
    .addOption(new Option("--no-soak", "with --version: all machines at once, which cannot be taken back"))
    .addOption(
      new Option("--finalize", "end the emulation: etcd and nodes get the control plane's version").conflicts([
        ...["options", "version", "back"],
      ]),
    )
    .addOption(
      new Option("--back", "return to the version that etcd and nodes have kept").conflicts(["options", "version"]),
    )
    .action(run(async (options: UpdateOptions) => (await import("./commands/update.js")).update(options)));
}

/** Every command throws instead of ending the process, and says errors our way. */
function strict(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  if (command.commands.length > 0) command.helpCommand(false);
  command.commands.forEach(strict);
}

/** What is wrong with a command line, as commander found it. @returns undefined for help that was asked for. */
export function usageProblem(error: CommanderError, program: Command, args: readonly string[]): Error | undefined {
  if (error.exitCode === 0) return undefined;
  const command = commandOf(program, args);
  const path = fullName(command);
  const got = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const run = `${path} --help`;
  switch (error.code) {
    case "commander.help":
    case "commander.unknownCommand":
      return badUsage({
        path,
        got: got === "" ? "no command" : `"${got}"`,
        allowed: command.commands.map((each) => each.name()).join(", "),
        run,
      });
    case "commander.unknownOption":
      return badUsage({
        path,
        got: `option ${got}`,
        allowed: [...command.options.map(({ long }) => long), "--help"].join(", "),
        run,
      });
    case "commander.excessArguments":
      return badUsage({
        path,
        got: "too many arguments",
        allowed: command.usage(),
        run,
      });
    default: {
      const message = error.message.replace(/^error: /, "").replace(/\.$/, "");
      return badUsage({ path, got: `a wrong command line (${message})`, allowed: command.usage(), run });
    }
  }
}

function commandOf(program: Command, args: readonly string[]): Command {
  const [first, ...rest] = args;
  const next = program.commands.find((command) => command.name() === first);
  return next === undefined ? program : commandOf(next, rest);
}

const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
