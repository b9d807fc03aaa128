/** Keeps secrets out of what the scripts write and say. */

const mark = "[secret]";
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Variables whose values never appear in a file or a log: the ones that the documentation asks for, and whatever is named like them. */
const secretName = /(TOKEN|PASSPHRASE|PASSWORD|SECRET|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(_[A-Z]+)?$/;
/** Names a file or an identity, not the secret. */
const harmlessName = /(_FILE|_PATH|_ID|_URL)$/;
/** Shorter values are no secrets but switches, and blanking them would blank ordinary words. */
const shortest = 8;

/** `text` without private keys and without the values of secret variables. */
export function withoutSecrets(text: string, env: NodeJS.ProcessEnv = process.env): string {
  let clean = text.replace(privateKey, mark);
  for (const [name, value] of Object.entries(env)) {
    if (!secretName.test(name) || harmlessName.test(name)) continue;
    // A file pasted into a variable may come back line by line.
    for (const line of (value ?? "").split("\n").map((part) => part.trim())) {
      if (line.length >= shortest) clean = clean.replaceAll(line, mark);
    }
  }
  return clean;
}
