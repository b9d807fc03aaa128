/** Settings: what nodes offer to pods, requests of components, and etcd. */
import { z } from "zod";
import { option } from "./option.js";
import { component, cpus, oneOf, reservation, whole } from "./valueTypes.js";

export const resourceOptions = {
  reserved_resources: option(
    reservation(),
    {},
    "What workers offer to pods, and what is reserved for the system. With node_size, values that are not set depend on the machine.",
    "in place on workers",
  ),
  public_reserved_resources: option(reservation(), {}, "The same for public workers.", "in place on public workers"),
  apiserver: option(
    component(0.5, 1024),
    {},
    "Requests of an API server's pod. It has no memory limit, so that it is not killed under load.",
    "in place on controllers",
  ),
  controller_manager: option(
    component(0.5, 512),
    {},
    "Requests of a controller manager's pod; the memory is also its limit.",
    "in place on controllers",
  ),
  scheduler: option(
    component(0.5, 512),
    {},
    "Requests of a scheduler's pod; the memory is also its limit.",
    "in place on controllers",
  ),
  kube_proxy: option(
    component(0.1, 512),
    {},
    "Requests of each kube-proxy pod; the memory is also its limit.",
    "API objects",
  ),
  etcd: option(
    z.strictObject({
      count: z
        .union([z.literal(1), z.literal(3), z.literal(5)])
        .optional()
        .meta({
          allowed: "1, 3 or 5: an even number tolerates no more failures than the odd number below it",
          description: "Number of members. Not set: 1, or 3 with high_availability.",
        })
        .meta({ effect: "refused" }),
      cpus: cpus(0.1, 64)
        .default(0.5)
        .describe("CPUs reserved for a member on its machine.")
        .meta({ effect: "nothing" }),
      mem: whole(256, 262_144, "MB")
        .default(1024)
        .describe("MB of memory reserved for a member on its machine.")
        .meta({ effect: "in place on etcd members" }),
      data_disk: whole(1024, 65_536, "MB")
        .default(3072)
        .describe(
          "MB for a member's data; half of it is the database's quota, at most 8 GB. A volume is rounded up to whole GB; it can grow, not shrink.",
        )
        .meta({ effect: "in place on etcd members; the cloud's resources" }),
      wal_disk: whole(512, 65_536, "MB")
        .default(512)
        .describe(
          "MB of the volume for a member's write-ahead log. Rounded up to whole GB; it can grow, not shrink. Not used with disk_type ROOT.",
        )
        .meta({ effect: "the cloud's resources" }),
      disk_type: oneOf("MOUNT", "ROOT")
        .default("MOUNT")
        .describe(
          "MOUNT: data and write-ahead log are on two volumes that survive a replacement of the machine. ROOT: both are on the machine's own disk, and a replaced member copies the data from the others; this needs 3 or 5 members.",
        )
        .meta({ effect: "refused" }),
    }),
    {},
    "The etcd cluster: number of members, resources of each, and where the data is stored.",
  ),
};
