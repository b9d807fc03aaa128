/** `corekube certificates`: how long each is valid. */
import { certificatesOf } from "../certificates.js";
import { print, printJson, say } from "../output.js";
import { table } from "../../engine/table.js";
import { exitCodes, type ExitCode } from "../problem.js";
import { Stack, type StackOptions } from "../stack.js";

interface CertificatesOptions extends StackOptions {
  readonly json?: boolean;
}

const date = (value: Date | undefined): string => value?.toISOString().slice(0, 10) ?? "-";

export async function certificates(options: CertificatesOptions): Promise<ExitCode> {
  const stack = new Stack(options);
  const rows = certificatesOf(await stack.state(), new Date());
  if (options.json === true) printJson(rows);
  else if (rows.length > 0)
    print(
      table([
        ["NAME", "SUBJECT", "ROLE", "ISSUED BY", "VALID UNTIL", "DAYS LEFT", "RENEWAL DUE"],
        ...rows.map(({ name, subject, role, issuer, validUntil, daysLeft, renewalDue, due }) => [
          name,
          subject || "not readable",
          role,
          issuer,
          date(validUntil),
          String(daysLeft ?? "-"),
          `${date(renewalDue)}${due ? " now" : ""}`,
        ]),
      ]),
    );
  const due = rows.filter((row) => row.due);
  if (rows.length === 0) say("the stack has no certificates");
  if (due.length === 0) return exitCodes.ok;
  const authorities = due.filter(({ role }) => role === "authority").length;
  if (due.length > authorities) say(`${due.length - authorities} to renew. Run: pulumi up${stack.flags}`);
  if (authorities > 0) say(`${authorities} of authorities to replace: see docs/security.md, key rotation`);
  return exitCodes.failed;
}
