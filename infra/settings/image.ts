/** The image that machines get: by the settings, and by what the state says that they have. Pure. */
import type { CloudDefinition } from "../../components/cloud/definition.js";
import { cloudNamed } from "../../components/clouds.js";
import { flatcarRelease } from "../../components/spec/image.js";
import type { Settings } from "../../components/spec/settings/index.js";
import { type Problem, set } from "../../components/spec/settings/rule.js";

type Cloud = Pick<Settings, "cloud">;

/**
 * Last major release of Flatcar that is known to have containerd 1.7, which does not start with the machines' configuration: that is of
 * containerd 2 (version 3). https://www.flatcar.org/releases
 */
const lastWithOldContainerd = 4230;

/** Undefined: machines can be made of it. */
export function imageProblem(
  image: string,
  { cloud }: Cloud,
  clouds: readonly CloudDefinition[],
  fix: string,
): Problem | undefined {
  const { accepts, allowed } = cloudNamed(cloud, clouds).profile.images;
  const problem = (what: string): Problem => ({ path: "image", got: image, allowed: what, fix });
  if (!accepts.test(image))
    return problem(`${allowed}${isForeign(image, cloud, clouds) ? "; this is an image of another cloud" : ""}`);
  const release = flatcarRelease(image);
  if (release === undefined || release[0] > lastWithOldContainerd) return undefined;
  return problem(
    `a release of Flatcar after ${lastWithOldContainerd}: containerd does not start on this one with the machines' configuration`,
  );
}

/** An image of another cloud than the cluster's. */
const isForeign = (image: string, cloud: string, clouds: readonly CloudDefinition[]): boolean =>
  !cloudNamed(cloud, clouds).profile.images.accepts.test(image) &&
  clouds.some(({ profile }) => profile.images.accepts.test(image));

/**
 * What is set, or else what the cluster has, or else the checkout's own: a newer checkout replaces no machine.
 * @param recorded image of the last run. @default there is no cluster, or no record of it
 */
export function chooseImage(
  { image, cloud }: Cloud & Pick<Settings, "image">,
  recorded: string | undefined,
  clouds: readonly CloudDefinition[],
): { readonly image: string } | { readonly problem: Problem } {
  const own = cloudNamed(cloud, clouds).profile.image;
  // What is set has been checked with the other settings. A record of another cloud means that the cloud was changed, which is refused
  // with its own reason.
  if (image !== "" || recorded === undefined || isForeign(recorded, cloud, clouds)) return { image: image || own };
  const problem = imageProblem(recorded, { cloud }, clouds, `${set("image", own)} && pulumi up`);
  return problem ? { problem } : { image: recorded };
}
