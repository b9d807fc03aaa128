/** The size of user-data. */

/** Bytes that user-data may have: the least of what the clouds accept (AWS 16 KB, DigitalOcean 64 KB). */
export const userDataLimit = 16_384;

/**
 * @returns the bytes that are left.
 * @param what Whose user-data it is, for the message.
 * @throws Error when there are too many.
 */
export function userDataBudget(userData: string, what: string): number {
  const size = Buffer.byteLength(userData);
  if (size > userDataLimit) {
    throw new Error(
      `user-data of ${what}: got ${size} bytes, clouds accept ${userDataLimit}; ` +
        "shorten what grows with the settings: corekube:ssh_public_keys (ed25519 keys are a seventh of RSA ones), corekube:mirrors.registries, or the proxies and corekube:no_proxy",
    );
  }
  return userDataLimit - size;
}
