/** What a request to create or change a droplet may say. */
import { dropletName, freeText, only, optionalText, tagList, z } from "../validation.js";

/** Bytes of user-data that the original takes. */
const maximumUserData = 64 * 1024;

export const dropletBody = z.object({
  name: dropletName,
  region: optionalText,
  size: z.string({ error: "You specified an invalid size for Droplet creation." }),
  image: z.union([z.string(), z.number().int()], { error: "You specified an invalid image for Droplet creation." }),
  ssh_keys: z
    .array(z.union([z.string(), z.number().int()]))
    .nullish()
    .transform((keys) => keys ?? []),
  backups: only(false),
  ipv6: only(false),
  public_networking: only(true),
  monitoring: z.boolean().nullish(),
  tags: tagList,
  user_data: freeText.refine(
    (text) => Buffer.byteLength(text) <= maximumUserData,
    "User data is too long (maximum is 64 KiB)",
  ),
  volumes: z.array(z.unknown()).max(0, "volumes: attach them with an action of the volume").nullish(),
  vpc_uuid: optionalText,
});

export type DropletInput = z.infer<typeof dropletBody>;

export const actionBody = z.object({
  type: z.enum(["power_on", "power_off", "shutdown"], { error: "type: is not an action that this lab region offers" }),
});
