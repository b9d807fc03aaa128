/** Values that look like secrets: they belong in no plain setting, and in no message. Pure. */

/** What a secret looks like, and what to call it. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/, "a private key"],
  [/\bdo[opr]_v1_[a-f0-9]{16,}/, "a token of DigitalOcean"],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/, "an access key of AWS"],
  [
    /\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|pul-[a-f0-9]{40})/,
    "an access token",
  ],
  [/\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/, "a token (JWT)"],
  [/(?<![A-Za-z0-9./_-])[a-z0-9]{6}\.(?=[a-z0-9]*[0-9])[a-z0-9]{16}(?![A-Za-z0-9._-])/, "a bootstrap token"],
  [/(?<=:\/\/)[^/@\s"]*:[^/@\s"]+(?=@)/, "a user with a password"],
];

/** What the value looks like, such as "a private key"; undefined: no secret. */
export function secretKind(value: string): string | undefined {
  return patterns.find(([pattern]) => pattern.test(value))?.[1];
}

/** The text without anything that looks like a secret. */
export function withoutSecrets(text: string): string {
  return patterns.reduce(
    (clean, [pattern, kind]) => clean.replace(new RegExp(pattern, "g"), `(${kind}, not shown)`),
    text,
  );
}
