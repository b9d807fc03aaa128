/**
 * A machine to deliver to: a real OpenSSH server on a loopback port, which runs the provider's real scripts.
 * In them `sudo` is a stand-in that moves the product's two directories below a temporary one, and `systemctl` shows
 * unit states from files.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../../../lab/process/freePort.js";
import { killAtExit } from "./processes.js";

const SUDO = `#!/bin/bash
[ "$1 $2" = "-n --" ] || { echo "unexpected: sudo $*" >&2; exit 97; }
shift 2
# Some scripts cannot be rewritten: they get the machine's directories in a mount namespace of their own.
if [ -e "$FAKE_ROOT/mounted" ]; then
  exec unshare --mount --propagation private bash -c \
    'for name in etc opt run; do mount --bind "$FAKE_ROOT/$name" "/$name"; done; exec "$@"' mounted "$@"
fi
# What verifies a configuration cannot be rewritten either: the test says what it finds.
case $3 in "set -- verify"*) cat "$FAKE_ROOT/verified" 2>/dev/null; exit 0 ;; esac
script=\${3//\\/etc\\/corekube/$FAKE_ROOT/etc/corekube}
script=\${script//\\/opt\\/corekube/$FAKE_ROOT/opt/corekube}
script=\${script//\\/etc\\/machine-id/$FAKE_ROOT/etc/machine-id}
script=\${script//\\/run\\/corekube/$FAKE_ROOT/run/corekube}
script=\${script//\\/opt\\/bin/$FAKE_ROOT/opt/bin}
script=\${script//\\/var\\/lib\\/etcd/$FAKE_ROOT/var/lib/etcd}
script=\${script//\\/etc\\/kubernetes/$FAKE_ROOT/etc/kubernetes}
script=\${script//\\/var\\/log\\/kube-apiserver/$FAKE_ROOT/var/log/kube-apiserver}
exec "$1" "$2" "$script"
`;
const SYSTEMCTL = `#!/bin/bash
verb=$1
echo "$*" >> "$FAKE_ROOT/systemctl.log"
case "$*" in
  'show --property ActiveState --value '*) echo active && exit ;;
  'show --property NRestarts --value '*) echo 0 && exit ;;
  'start --no-block corekube-change.service') setsid bash /etc/corekube/apply </dev/null >/dev/null 2>&1 & ;;
esac
case $verb in
  show) for unit in "$FAKE_ROOT"/units/*; do [ -f "$unit" ] && { cat "$unit"; echo; }; done; true ;;
  restart) [ ! -x "$FAKE_ROOT/on-restart" ] || "$FAKE_ROOT/on-restart" "$@" ;;
esac
`;

export interface UnitLook {
  readonly ActiveState: string;
  readonly Result?: string;
  readonly Job?: string;
  readonly ExecMainExitTimestampMonotonic?: string;
}

export class FakeMachine {
  readonly root = mkdtempSync(path.join(tmpdir(), "corekube-machine-"));
  readonly privateKey: string;
  port = 0;
  #server: ChildProcess | undefined;

  /** @param host A loopback address of its own, for machines that share a port. */
  constructor(readonly host = "127.0.0.1") {
    for (const directory of [
      "etc/corekube",
      "etc/kubernetes/manifests",
      "opt/corekube/bin",
      "opt/bin",
      "run/corekube",
      "var/lib",
      "bin",
      "units",
    ])
      mkdirSync(path.join(this.root, directory), { recursive: true });
    chmodSync(this.root, 0o755);
    this.script("bin/sudo", SUDO);
    this.script("bin/systemctl", SYSTEMCTL);
    for (const name of ["findmnt", "pgrep", "umount"]) this.script(`bin/${name}`, "#!/bin/bash\nexit 1\n");
    this.health("exit 0");
    this.script("opt/corekube/bin/report", "#!/bin/bash\necho 'no failed units'\n");
    this.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    this.write("run/corekube/metadata.env", "PRIVATE_IPV4=10.0.0.7\n");
    this.newHostKey();
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", this.path("client")]);
    this.privateKey = readFileSync(this.path("client"), "utf8");
    this.write("authorized_keys", readFileSync(this.path("client.pub"), "utf8"));
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  write(name: string, content: string): void {
    writeFileSync(this.path(name), content);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  script(name: string, content: string): void {
    this.write(name, content);
    chmodSync(this.path(name), 0o755);
  }

  /** What the health script does. */
  health(body: string): void {
    this.script("opt/corekube/bin/health", `#!/bin/bash\n${body}\n`);
  }

  unit(name: string, look: UnitLook): void {
    const lines = Object.entries({ Id: name, LoadState: "loaded", Result: "success", ...look }).map(
      ([key, value]) => `${key}=${value}\n`,
    );
    this.write(`units/${name}`, lines.join(""));
  }

  /** What was asked of systemd, without the looking. */
  get asked(): string[] {
    if (!existsSync(this.path("systemctl.log"))) return [];
    return this.read("systemctl.log")
      .trim()
      .split("\n")
      .filter((line) => !line.startsWith("show"));
  }

  newHostKey(): void {
    rmSync(this.path("host"), { force: true });
    rmSync(this.path("host.pub"), { force: true });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", this.path("host")]);
  }

  get hostKey(): string {
    return this.read("host.pub").split(" ").slice(0, 2).join(" ").trim();
  }

  async reservePort(): Promise<number> {
    this.port ||= await freePort();
    return this.port;
  }

  async start(): Promise<void> {
    await this.reservePort();
    mkdirSync("/run/sshd", { recursive: true });
    this.write(
      "sshd_config",
      [
        `ListenAddress ${this.host}:${this.port}`,
        `HostKey ${this.path("host")}`,
        `AuthorizedKeysFile ${this.path("authorized_keys")}`,
        `PidFile ${this.path("pid")}`,
        `SetEnv FAKE_ROOT=${this.root} PATH=${this.path("bin")}:/usr/sbin:/usr/bin:/sbin:/bin`,
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "MaxStartups 100",
        "",
      ].join("\n"),
    );
    const server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", this.path("sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#server = server;
    killAtExit(server);
    await new Promise<void>((resolve, reject) => {
      let text = "";
      server.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("Server listening")) resolve();
      });
      server.once("exit", (code) => reject(new Error(`sshd ended with ${code}: ${text}`)));
    });
  }

  /** Ends the connections that outlive the server: its children, found by the port. */
  async killSessions(): Promise<void> {
    execFileSync("ss", ["-K", "src", "127.0.0.1", "sport", "=", `:${this.port}`], { stdio: "ignore" });
  }

  /** Ends the server; its connections live on. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill();
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}
