/** Version numbers such as `1.36.3`. Pure. */

/** The number in a version as programs report it, such as `v1.36.3` or `v1.36.3-custom+1`: what follows it says who has built it. */
export function versionOf(reported: string): string {
  return /^v?(\d+\.\d+\.\d+)/.exec(reported)?.[1] ?? reported;
}

/** Such as `1.36` of `1.36.3`. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
