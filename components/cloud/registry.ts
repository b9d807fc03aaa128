/** The only place where the name of a cloud decides anything. */
import type { CloudName, ClusterSpec } from "../spec/cluster.js";
import type { CloudFactory, CloudSurvey } from "./cloud.js";

/** A run loads the SDK of its own cloud only. */
const clouds: Readonly<Record<CloudName, () => Promise<CloudSurvey>>> = {
  digitalocean: async () => (await import("../digitalocean/digitalocean.js")).surveyDigitalOcean,
  aws: async () => (await import("../aws/aws.js")).surveyAws,
};

/** What makes the cluster's cloud, once the cloud has been asked. */
export async function cloudFactory(spec: ClusterSpec): Promise<CloudFactory> {
  return (await clouds[spec.cloud]())(spec);
}
