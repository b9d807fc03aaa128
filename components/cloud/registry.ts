/** The only place where the name of a cloud decides anything. */
import { createRequire } from "node:module";
import type * as awsModule from "../aws/aws.js";
import type * as digitaloceanModule from "../digitalocean/digitalocean.js";
import type { CloudName, ClusterSpec } from "../spec/cluster.js";
import type { CloudFactory, CloudSurvey } from "./cloud.js";

/** Loads now: a run loads the SDK of its own cloud only. */
const load = createRequire(__filename);

const clouds: Readonly<Record<CloudName, () => CloudSurvey>> = {
  digitalocean: () => (load("../digitalocean/digitalocean.js") as typeof digitaloceanModule).surveyDigitalOcean,
  aws: () => (load("../aws/aws.js") as typeof awsModule).surveyAws,
};

/** What makes the cluster's cloud, once the cloud has been asked. */
export function cloudFactory(spec: ClusterSpec): Promise<CloudFactory> {
  return clouds[spec.cloud]()(spec);
}
