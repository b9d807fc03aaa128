/**
 * What a node reserves, so that its pods may use exactly the requested CPUs, memory and disk.
 *
 * https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/: allocatable = capacity - reserved - eviction
 * threshold. Capacity is what the kernel reports, a little less than the size's nominal values, so it is computed on the machine.
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

/** KB in a MB. */
const kilobytes = 1024;

/** Bash that sets RESERVED_CPU, RESERVED_MEMORY and RESERVED_DISK in the kubelet's format. */
export function reserve({ pods, system }: NodeResources): string {
  const cpu =
    pods.cpus === undefined ? String(milliCpus(system.cpus)) : `$(($(nproc) * 1000 - ${milliCpus(pods.cpus)}))`;
  const memory =
    pods.memory === undefined
      ? String(system.memory * kilobytes)
      : `$(($(sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo) - ${(pods.memory + evictionMemory) * kilobytes}))`;
  // The file system that holds the kubelet's directory.
  const disk =
    pods.disk === undefined
      ? "0"
      : `$((($(stat --file-system --format '%b * %S' ${kubeletDirectory})) * ${100 - evictionDisk} / ${100 * kilobytes} - ${pods.disk * kilobytes}))`;
  return `# Reserved: what the machine has, less what pods may use. render reads these variables by name.
mkdir -p ${kubeletDirectory}
export RESERVED_CPU=${cpu}m RESERVED_MEMORY=${memory}Ki RESERVED_DISK=${disk}Ki
case "$RESERVED_CPU $RESERVED_MEMORY $RESERVED_DISK" in
  *-*)
    echo "activate: machine too small for corekube:reserved_resources: it would leave CPU $RESERVED_CPU, memory $RESERVED_MEMORY and disk $RESERVED_DISK for the system. Choose a larger size or lower the reservation." >&2
    exit 1
    ;;
esac
`;
}
