/** A machine's SSH host key: recorded at the first connection, compared at every later one. */
import { createHash } from "node:crypto";

/** The signature algorithms that we accept, best first. */
export const HOST_KEY_ALGORITHMS = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
] as const;
export type HostKeyAlgorithm = (typeof HOST_KEY_ALGORITHMS)[number];

/** A public key as SSH sends it, in the form of a `known_hosts` line: type and base64. */
export function formatHostKey(blob: Buffer): string {
  const length = blob.readUInt32BE(0);
  return `${blob.toString("ascii", 4, 4 + length)} ${blob.toString("base64")}`;
}

/** The fingerprint that `ssh-keygen -l` shows. */
export function fingerprint(hostKey: string): string {
  const blob = Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The accepted algorithms with the recorded key's own first, so that the machine shows that key if it still has it. */
export function preferredAlgorithms(hostKey: string | undefined): HostKeyAlgorithm[] {
  const type = hostKey?.split(" ")[0];
  const matches = (algorithm: string): boolean =>
    algorithm === type || (type === "ssh-rsa" && algorithm.startsWith("rsa-"));
  return [...HOST_KEY_ALGORITHMS.filter(matches), ...HOST_KEY_ALGORITHMS.filter((algorithm) => !matches(algorithm))];
}

/** The machine shows another host key than the recorded one. Never retried. */
export class HostKeyChanged extends Error {
  constructor(machine: string, address: string, recorded: string, shown: string) {
    super(
      `${machine} (${address}) shows another SSH host key than before; nothing was sent to it.\n` +
        `  recorded: ${fingerprint(recorded)} (${recorded.split(" ")[0]})\n` +
        `  shown:    ${fingerprint(shown)} (${shown.split(" ")[0]})\n` +
        "Either the machine was reinstalled or its address now belongs to another one, or the connection is being intercepted. " +
        "Compare it with the key on the machine's own console: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. " +
        "If the machine was deleted and its address belongs to another one: pulumi refresh && pulumi up. " +
        "If the new key is the machine's, replace the machine with `pulumi up --replace <URN of the machine>`: its secrets are delivered again and the new key is recorded.",
    );
  }
}
