/** Descriptions of clusters for component tests: those of settings as a stack has them, with changes. */
import type { AwsSpec } from "../../../components/aws/settings.js";
import type { ClusterSpec } from "../../../components/spec/cluster.js";
import { clusterSpec } from "../../../infra/config.js";
import { aws, configuration } from "../../settings/support/cases.js";
import type { Settings } from "../../settings/support/cases.js";

type Changes = Partial<ClusterSpec> & { readonly workerCount?: number };

function specFrom(settings: Settings, { workerCount = 2, ...changes }: Changes): ClusterSpec {
  const spec = clusterSpec(
    configuration({
      cluster_name: "dev",
      high_availability: changes.highAvailability ?? false,
      etcd: { data_disk: 10_240 },
      tags: { team: "platform" },
      drain_timeout: 120,
      ...settings,
    }),
  );
  return { ...spec, workers: { ...spec.workers, count: workerCount }, ...changes };
}

/** 1 etcd member, 1 controller, 2 workers; or 3, 3 and 2 when `highAvailability`. */
export function testSpec(changes: Changes = {}): ClusterSpec {
  return specFrom({ image: "flatcar-stable" }, changes);
}

/** The same on AWS, with its cloud controller manager. */
export function awsTestSpec(changes: Changes & { readonly aws?: Partial<AwsSpec> } = {}): ClusterSpec {
  const { aws: own, ...rest } = changes;
  const spec = specFrom(
    { ...aws, image: "Flatcar-stable-4593.2.5-hvm", cloud_provider: "aws", aws: { machines: own?.machines } },
    rest,
  );
  return { ...spec, cloudSettings: { ...(spec.cloudSettings as { cloud: "aws" } & AwsSpec), ...own } };
}
