/** Keeps secrets out of files and logs. */

const mark = "[secret]";
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Names of variables whose values must never appear in a file or a log. */
const secretName = /(TOKEN|PASSPHRASE|PASSWORD|SECRET|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(_[A-Z]+)?$/;
/** Variables that hold a path or an identity, not a secret. */
const harmlessName = /(_FILE|_PATH|_ID|_URL)$/;
/** Shorter values are switches, not secrets; masking them would mask ordinary words. */
const shortest = 8;

/** `text` without private keys and without the values of secret variables. */
export function withoutSecrets(text: string, env: NodeJS.ProcessEnv = process.env): string {
  let clean = text.replace(privateKey, mark);
  for (const [name, value] of Object.entries(env)) {
    if (!secretName.test(name) || harmlessName.test(name)) continue;
    // A multi-line value may be printed line by line.
    for (const line of (value ?? "").split("\n").map((part) => part.trim())) {
      if (line.length >= shortest) clean = clean.replaceAll(line, mark);
    }
  }
  return clean;
}
