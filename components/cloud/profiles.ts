/** The clouds that this release makes clusters on. Pure: usable where no resource may be made. */
import { awsProfile } from "../aws/profile.js";
import { digitaloceanProfile } from "../digitalocean/profile.js";
import type { CloudProfile } from "./profile.js";

export const cloudProfiles: readonly CloudProfile[] = [digitaloceanProfile, awsProfile];

/** Undefined when this release does not know the cloud. */
export function cloudProfile(name: string): CloudProfile | undefined {
  return cloudProfiles.find((profile) => profile.name === name);
}
