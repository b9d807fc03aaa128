/**
 * What a node keeps from pods, so that it offers them what was asked for, to the MB.
 *
 * https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/: allocatable = capacity - reserved - eviction
 * threshold. Capacity is what the kernel tells, a little less than what the cloud sells: only the machine can do the sum.
 */
import type { NodeResources } from "../../spec/cluster.js";
import { milliCpus } from "../../spec/quantities.js";
import { kubeletDirectory } from "../../contract/paths.js";

/** MB of memory that must stay free, or pods are evicted. */
const evictionMemory = 100;
/** Percent of the disk that must stay free, or pods are evicted. */
const evictionDisk = 10;

/** The kubelet's own defaults, written out because the sum depends on them. */
export const evictionThresholds = {
  "memory.available": `${evictionMemory}Mi`,
  "nodefs.available": `${evictionDisk}%`,
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
} as const;

/** KB of a MB. */
const kilobytes = 1024;

/** Bash that sets RESERVED_CPU, RESERVED_MEMORY and RESERVED_DISK as the kubelet takes them. */
export function reserve({ pods, system }: NodeResources): string {
  const cpu =
    pods.cpus === undefined
      ? String(milliCpus(system.cpus))
      : `$(($(getconf _NPROCESSORS_ONLN) * 1000 - ${milliCpus(pods.cpus)}))`;
  const memory =
    pods.memory === undefined
      ? String(system.memory * kilobytes)
      : `$(($(sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo) - ${(pods.memory + evictionMemory) * kilobytes}))`;
  // Of the file system that holds the kubelet's folder.
  const disk =
    pods.disk === undefined
      ? "0"
      : `$((($(stat --file-system --format '%b * %S' ${kubeletDirectory})) * ${100 - evictionDisk} / ${100 * kilobytes} - ${pods.disk * kilobytes}))`;
  return `# What pods may use is what is left of the machine. Read by name below.
mkdir -p ${kubeletDirectory}
export RESERVED_CPU=${cpu}m RESERVED_MEMORY=${memory}Ki RESERVED_DISK=${disk}Ki
case "$RESERVED_CPU $RESERVED_MEMORY $RESERVED_DISK" in
  *-*)
    echo "activate: this machine is too small for what pods shall get: with that, CPU $RESERVED_CPU, memory $RESERVED_MEMORY and disk $RESERVED_DISK would be left; a larger size, or less in corekube:reserved_resources" >&2
    exit 1
    ;;
esac
`;
}
