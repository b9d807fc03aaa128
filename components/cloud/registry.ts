/** The only place where the name of a cloud decides anything. */
import type { CloudName } from "../spec/cluster.js";
import { DigitalOcean } from "../digitalocean/digitalocean.js";
import type { CloudFactory } from "./cloud.js";

const clouds: Partial<Record<CloudName, CloudFactory>> = {
  digitalocean: (args, opts) => new DigitalOcean(args.spec.name, args, opts),
};

/**
 * The implementation of a cloud.
 * @throws Error when this release has none for it.
 */
export function cloudFactory(name: CloudName): CloudFactory {
  const factory = clouds[name];
  if (!factory) {
    throw new Error(`cloud: got "${name}", this release makes clusters on ${Object.keys(clouds).join(", ")}; set corekube:cloud to one of them`);
  }
  return factory;
}
