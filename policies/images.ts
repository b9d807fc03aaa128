/** Container and operating system images are pinned. */
import type { ImageProperty, Resource } from "../components/cloud/policy.js";
import { podOf } from "./podTemplates.js";
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import type { Clouds } from "./types.js";
import { unpack } from "./unpack.js";
import { userDataOf, userDataText } from "./userData.js";
import { bag, list, scalar, type Value } from "../components/cloud/propertyValues.js";

const exactVersion = /^v?\d+\.\d+\.\d+(?:[.+_-][A-Za-z0-9.+_-]*)?$/;

interface ContainerSettings extends Allowed {
  readonly byTag: readonly string[];
}

export const containerImagesPinned = (clouds: Clouds) =>
  resourceRule<ContainerSettings>({
    id: "container-images-pinned",
    description: "Container images are named by digest, in pods and in user-data: a tag may be moved to another image.",
    settings: {
      byTag: {
        type: "array",
        items: { type: "string" },
        // Their digests are not published in a place from which versions/ could take them.
        default: [
          "registry.k8s.io/kube-apiserver:v1.36.1",
          "registry.k8s.io/kube-controller-manager:v1.36.1",
          "registry.k8s.io/kube-scheduler:v1.36.1",
          "registry.k8s.io/kube-proxy:v1.36.1",
          "registry.k8s.io/kube-proxy:v1.36.3",
          "registry.k8s.io/provider-aws/cloud-controller-manager:v1.36.1",
          "docker.io/digitalocean/digitalocean-cloud-controller-manager:v0.1.68",
          "docker.io/digitalocean/do-csi-plugin:v4.16.0",
          "docker.io/velero/velero-plugin-for-aws:v1.14.3",
        ],
        description:
          "Images that may be named by a tag that is an exact version, such as v1.36.3: with that tag, or without a tag for every version.",
      },
      ...allowedNames("may use images by any name"),
    },
    check: (resource, { byTag }, report) => {
      for (const [path, image] of imagesOf(clouds, resource)) {
        const problem = problemOf(image, byTag);
        if (problem !== undefined) report(`${path}: ${image} ${problem}.`);
      }
    },
  });

/** Undefined: pinned. */
function problemOf(image: string, byTag: readonly string[]): string | undefined {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return undefined;
  const [name = "", digest] = image.split("@");
  if (digest !== undefined) return "has an invalid digest; expected sha256: and 64 hexadecimal digits";
  const [, repository = name, tag] = /^(.+?)(?::([^/:]+))?$/.exec(name) ?? [];
  if (![repository, name].some((allowed) => byTag.includes(allowed)))
    return "has no digest; write <name>:<version>@sha256:<digest>, or list the name in byTag";
  return exactVersion.test(tag ?? "") ? undefined : "has no tag that is an exact version";
}

function imagesOf(clouds: Clouds, resource: Resource): [string, string][] {
  const pod = podOf(resource);
  if (pod) {
    return ["initContainers", "containers", "ephemeralContainers"].flatMap((kind) =>
      list(pod.spec[kind]).flatMap((container, index) =>
        imageEntry(`${pod.path}.${kind}[${index}].image`, bag(container)["image"]),
      ),
    );
  }
  const found = userDataOf(clouds, resource);
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

export const osImagePinned = (clouds: Clouds) =>
  resourceRule<Allowed>({
    id: "os-image-pinned",
    description: "Operating system images are an exact release: an id, or a name or address with the version in it.",
    settings: allowedNames("may use a moving image"),
    check: ({ type, props }, _settings, report) => {
      for (const image of clouds.flatMap(({ policy }) => policy.images[type] ?? [])) {
        const problem = osImageProblem(image, props[image.property]);
        if (problem !== undefined) report(`${image.property}: ${scalar(props[image.property])} ${problem}.`);
      }
    },
  });

/** Names of channels, which point to another release every few weeks. */
const channel = /(?:^|[/_.-])(latest|current|nightly|daily|edge|rolling)(?:$|[/_.-])/i;

/** Undefined: pinned, or not known yet. */
function osImageProblem({ id, idsOnly }: ImageProperty, value: Value): string | undefined {
  if (typeof value !== "string" || id?.test(value)) return undefined;
  if (idsOnly !== undefined) return `is not an id of an image (${idsOnly})`;
  const [, word] = channel.exec(value) ?? [];
  if (word !== undefined) return `contains "${word}", which is another release every few weeks; name the exact release`;
  return /\d+[.-]\d+[.-]\d+/.test(value)
    ? undefined
    : "names no exact version; use an id, or a name with the whole version";
}
