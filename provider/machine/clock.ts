/** Whether a machine's clock is that of the computer that makes its certificates. */
import type { Log } from "../rpc/log.js";
import type { Machine } from "../ssh/machine.js";

/** Clocks that keep time differ by far less; certificates and tokens are made seconds before they are used. */
const TOLERATED_MILLISECONDS = 60_000;

/** Warns if the clocks differ by more than a minute: certificates are valid from the moment at which they are made, by the clock here. */
export async function compareClocks(machine: Machine, log: Log): Promise<void> {
  const before = Date.now();
  const { stdout } = await machine.root({ script: "date +%s%3N" });
  const after = Date.now();
  const shown = Number(stdout.trim() || Number.NaN);
  // It was read at some moment between the two.
  const ahead = shown > after ? shown - after : Math.min(0, shown - before);
  if (Number.isNaN(shown) || Math.abs(ahead) <= TOLERATED_MILLISECONDS) return;
  log.warn(
    `${machine.name}: its clock is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead < 0 ? "behind" : "ahead of"} this computer's. ` +
      `What is made here is valid from this computer's time on, so that the machine may refuse it until then. Look at both, here and with \`${machine.login} timedatectl\`; time servers of machines: pulumi config set --path 'ntp_servers[0]' <server>`,
  );
}
