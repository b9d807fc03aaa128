/** Container and operating system images are the same tomorrow as today. */
import { podOf } from "./podTemplates.js";
import { type Allowed, allowedNames, type Report, type Resource, resourceRule } from "./rule.js";
import { droplet, instance, launchConfiguration, launchTemplate, spotInstance } from "./types.js";
import { unpack } from "./unpack.js";
import { userDataOf, userDataText } from "./userData.js";
import { bag, list, scalar, type Value } from "./values.js";

const exactVersion = /^v?\d+\.\d+\.\d+(?:[.+_-][A-Za-z0-9.+_-]*)?$/;

interface ContainerSettings extends Allowed {
  readonly byTag: readonly string[];
}

export const containerImagesPinned = resourceRule<ContainerSettings>({
  id: "container-images-pinned",
  description: "Container images are named by digest, in pods and in user-data: a tag may be another image tomorrow.",
  settings: {
    byTag: {
      type: "array",
      items: { type: "string" },
      // Their digests are not published where versions.json could take them from.
      default: [
        "registry.k8s.io/kube-proxy",
        "registry.k8s.io/provider-aws/cloud-controller-manager",
        "docker.io/digitalocean/digitalocean-cloud-controller-manager",
        "docker.io/digitalocean/do-csi-plugin",
      ],
      description: "Images, without tag, that may be named by a tag that is an exact version, such as v1.36.3.",
    },
    ...allowedNames("may use images by any name"),
  },
  check: (resource, { byTag }, report) => {
    for (const [path, image] of imagesOf(resource)) {
      const problem = problemOf(image, byTag);
      if (problem !== undefined) report(`${path}: ${image} ${problem}.`);
    }
  },
});

/** undefined: pinned. */
function problemOf(image: string, byTag: readonly string[]): string | undefined {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return undefined;
  const [name = "", digest] = image.split("@");
  if (digest !== undefined) return "has a digest that is none: sha256: and 64 hexadecimal digits";
  const [, repository = name, tag] = /^(.+?)(?::([^/:]+))?$/.exec(name) ?? [];
  if (!byTag.includes(repository))
    return "has no digest; write <name>:<version>@sha256:<digest>, or list the name in byTag";
  return exactVersion.test(tag ?? "") ? undefined : "has no tag that is an exact version";
}

function imagesOf(resource: Resource): [string, string][] {
  const pod = podOf(resource);
  if (pod) {
    return ["initContainers", "containers", "ephemeralContainers"].flatMap((kind) =>
      list(pod.spec[kind]).flatMap((container, index) =>
        imageEntry(`${pod.path}.${kind}[${index}].image`, bag(container)["image"]),
      ),
    );
  }
  const found = userDataOf(resource);
  if (!found) return [];
  const seen = new Map<string, string>();
  for (const { where, text } of unpack(userDataText(found.bytes)).layers) {
    // Manifests of static pods, in YAML or JSON, and containerd's own image of the pause container.
    for (const [, , image = ""] of text.matchAll(
      /(^|[\s{,-])["']?(?:image|sandbox|sandbox_image)["']?\s*[:=]\s*["']?([\w.-]+(?:[/:@][\w.:@/-]*)+)/g,
    )) {
      if (!seen.has(image)) seen.set(image, where);
    }
  }
  return [...seen].map(([image, where]) => [`${found.path}: ${where}`, image]);
}

function imageEntry(path: string, image: Value): [string, string][] {
  return typeof image === "string" ? [[path, image]] : [];
}

export const osImagePinned = resourceRule<Allowed>({
  id: "os-image-pinned",
  description: "Operating system images are an exact release: an id, or a name or address with the version in it.",
  settings: allowedNames("may use a moving image"),
  check: ({ type, props }, _settings, report) => {
    switch (type) {
      case "digitalocean:index/customImage:CustomImage":
        return moving("url", props["url"], report);
      case droplet:
        return /^\d+$/.test(scalar(props["image"])) ? undefined : moving("image", props["image"], report);
      case instance:
      case spotInstance:
        return machineImage("ami", props["ami"], report);
      case launchTemplate:
      case launchConfiguration:
        return machineImage("imageId", props["imageId"], report);
      default:
        return undefined;
    }
  },
});

/** Names of channels, which point to another release every few weeks. */
const channel = /(?:^|[/_.-])(latest|current|nightly|daily|edge|rolling)(?:$|[/_.-])/i;

function moving(path: string, value: Value, report: Report): void {
  if (typeof value !== "string") return;
  const [, word] = channel.exec(value) ?? [];
  if (word !== undefined)
    report(`${path}: ${value} has "${word}" in it, which is another release every few weeks; name the exact one.`);
  else if (!/\d+[.-]\d+[.-]\d+/.test(value))
    report(`${path}: ${value} names no exact version; use an id, or a name with the whole version.`);
}

function machineImage(path: string, value: Value, report: Report): void {
  if (typeof value === "string" && !/^ami-[0-9a-f]{8,17}$/.test(value))
    report(`${path}: ${value} is no id of an image (ami-...).`);
}
