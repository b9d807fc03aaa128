/** What a request to create or change a droplet may say. */
import { dropletName, freeText, optionalText, tagList, z } from "../validation.js";

const kibibyte = 1024;
/** Bytes of user-data that the original takes. */
const maximumUserData = 64 * kibibyte;

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

export const dropletBody = z.object({
  name: dropletName,
  region: optionalText,
  size: z.string({ error: "You specified an invalid size for Droplet creation." }),
  image: z.union([z.string(), z.number().int()], { error: "You specified an invalid image for Droplet creation." }),
  ssh_keys: z
    .array(z.union([z.string(), z.number().int()]))
    .nullish()
    .transform((keys) => keys ?? []),
  backups: flag,
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

export type DropletInput = z.infer<typeof dropletBody>;

export const listQuery = z.object({ name: optionalText, tag_name: optionalText });

/** Actions and their parameters. */
export const actionBody = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.enum(["power_on", "power_off", "shutdown", "reboot", "power_cycle"]) }),
    z.object({ type: z.literal("resize"), size: z.string({ error: "size is required" }), disk: flag }),
  ],
  { error: "type: is not an action that this lab region offers" },
);

export type ActionInput = z.infer<typeof actionBody>;
