/** What a request to create droplets may say. */
import { dropletName, freeText, integer, optionalText, tagList, z } from "../validation.js";

const kibibyte = 1024;
/** Bytes of user-data that the original takes. */
export const maximumUserData = 64 * kibibyte;
/** Droplets that one request may create. */
export const maximumNames = 10;

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

export const backupPolicy = z
  .object({
    plan: z.enum(["daily", "weekly"], { error: "backup_policy.plan must be daily or weekly" }),
    weekday: z.enum(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]).nullish(),
    hour: z
      .union([z.literal(0), z.literal(4), z.literal(8), z.literal(12), z.literal(16), z.literal(20)], {
        error: "backup_policy.hour must be one of 0, 4, 8, 12, 16, 20",
      })
      .nullish(),
  })
  .transform(({ plan, weekday, hour }) => ({ plan, weekday: weekday ?? "SUN", hour: hour ?? 0 }));

const common = z.object({
  region: optionalText,
  size: z.string({ error: "You specified an invalid size for Droplet creation." }),
  image: z.union([z.string(), z.number().int()], { error: "You specified an invalid image for Droplet creation." }),
  ssh_keys: z
    .array(z.union([z.string(), z.number().int()]))
    .nullish()
    .transform((keys) => keys ?? []),
  backups: flag,
  backup_policy: backupPolicy.nullish(),
  ipv6: flag,
  monitoring: flag,
  tags: tagList,
  user_data: freeText.refine(
    (text) => Buffer.byteLength(text) <= maximumUserData,
    "User data is too long (maximum is 64 KiB)",
  ),
  volumes: z
    .array(z.union([z.string(), z.object({ id: z.string() }), z.object({ name: z.string() })]))
    .nullish()
    .transform((volumes) => (volumes ?? []).map((volume) => (typeof volume === "string" ? { id: volume } : volume))),
  vpc_uuid: optionalText,
  public_networking: z.boolean().nullish(),
});

export const createOne = common.extend({ name: dropletName });
export const createSeveral = common.extend({
  names: z
    .array(dropletName)
    .min(1, "names must hold at least one name")
    .max(maximumNames, `You can only create up to ${maximumNames} Droplets at once`),
});

export type DropletInput = z.infer<typeof common>;

export const listQuery = z.object({ name: optionalText, tag_name: optionalText, type: optionalText });
export const tagQuery = z.object({
  tag_name: z.string({ error: "tag_name is required" }).min(1, "tag_name is required"),
});

/** Actions and their parameters. */
export const actionBody = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.enum(["power_on", "power_off", "shutdown", "reboot", "power_cycle", "disable_backups"]) }),
    z.object({
      type: z.enum(["enable_ipv6", "password_reset", "restore", "change_kernel", "enable_private_networking"]),
    }),
    z.object({ type: z.literal("resize"), size: z.string({ error: "size is required" }), disk: flag }),
    z.object({ type: z.literal("rename"), name: dropletName }),
    z.object({ type: z.literal("rebuild"), image: z.union([z.string(), integer], { error: "image is required" }) }),
    z.object({ type: z.literal("snapshot"), name: optionalText }),
    z.object({ type: z.literal("enable_backups"), backup_policy: backupPolicy.nullish() }),
    z.object({ type: z.literal("change_backup_policy"), backup_policy: backupPolicy }),
  ],
  { error: "type: is not an action that a Droplet knows" },
);

export type ActionInput = z.infer<typeof actionBody>;
