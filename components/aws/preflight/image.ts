/** The machines' image: Flatcar's accounts and owners remove old ones, which ends no machine that runs. */
import * as pulumi from "@pulumi/pulumi";
import type { RecordedState } from "../../cloud/recordedState.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { imageTag } from "../names.js";
import { awsProfile } from "../profile.js";
import { type Ask, reason, refuse } from "./ask.js";

/** Account that publishes Flatcar's images: https://www.flatcar.org/docs/latest/installing/cloud/aws-ec2/ */
const flatcarOwner = "075585003325";

/** The image of each machine that was made, by the id and by what the setting was. */
function made(recorded: RecordedState): readonly { readonly id: string; readonly setting: unknown }[] {
  return [...recorded.of("aws:ec2/instance:Instance").values()].flatMap(({ ami, tags }) =>
    typeof ami === "string" ? [{ id: ami, setting: (tags as Record<string, unknown> | undefined)?.[imageTag] }] : [],
  );
}

/**
 * Id of the image.
 * @param missing Names of machines that this run makes or replaces.
 * @throws pulumi.RunError when AWS does not offer it, unless machines are made of it and no other is to be made.
 */
export async function findImage(
  spec: Pick<ClusterSpec, "image" | "region">,
  recorded: RecordedState,
  missing: readonly string[],
  ask: Pick<Ask, "getAmi">,
): Promise<string> {
  const { image, region } = spec;
  const byId = image.startsWith("ami-");
  const answer = await ask
    .getAmi({
      ...(byId ? {} : { owners: [flatcarOwner] }),
      mostRecent: true,
      includeDeprecated: true,
      filters: [
        { name: byId ? "image-id" : "name", values: [image] },
        { name: "architecture", values: ["x86_64"] },
      ],
    })
    .catch((error: unknown) => ({ id: undefined, error: reason(error) }));
  if (answer.id !== undefined) return answer.id;
  const { error } = answer;
  const own = awsProfile.image;
  const other = image === own ? "<name>" : own;
  const images = made(recorded);
  const same = images.find(({ id, setting }) => (byId ? id === image : setting === image));
  if (same !== undefined && missing.length === 0) {
    void pulumi.log.warn(
      `corekube:image: ${image} is not offered in ${region} any more (${error}). Machines keep running with it (${same.id}); new ones cannot be made of it. Before the next change of machines, set another, which replaces all of them in turn: pulumi config set image ${other} && pulumi up`,
    );
    return same.id;
  }
  const list = `aws ec2 describe-images --region ${region} --owners ${flatcarOwner} --filters 'Name=name,Values=Flatcar-stable-*-hvm' Name=architecture,Values=x86_64 --query 'Images[].Name'`;
  const keep = images[0]?.id;
  const turns = keep === undefined ? "" : ", which replaces all machines in turn";
  const useOwn =
    image === own ? "" : `Use this checkout's own${turns}: pulumi config set image ${own} && pulumi up. Or another. `;
  return refuse(
    "image",
    image,
    `${byId ? "the id of an image for x86_64 that this account may use" : `the name of an image that Flatcar (${flatcarOwner}) has`} in ${region}, or the id of an image (${error})`,
    missing.length > 0 || keep === undefined
      ? `${missing.length > 0 && keep !== undefined ? `It is needed for ${missing.join(", ")}. ` : ""}${useOwn}Images: ${list}; then: pulumi config set image <name>`
      : `Machines stay as they are with the image that they have: pulumi config set image ${keep}`,
  );
}
