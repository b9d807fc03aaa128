/** Downloads of machines are verified with checksums from user-data. */
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import { type Layer, unpack } from "./unpack.js";
import type { Clouds } from "./types.js";
import { userDataOf, userDataText } from "./userData.js";
import { type Bag, bag, parsed, type Value } from "../components/cloud/propertyValues.js";

export const releasesPinned = (clouds: Clouds) =>
  resourceRule<Allowed>({
    id: "releases-pinned",
    description: "User-data has a checksum for each file that machines download.",
    settings: allowedNames("may download without checksums"),
    check: (resource, _settings, report) => {
      const found = userDataOf(clouds, resource);
      if (!found) return;
      const said = new Set<string>();
      for (const layer of unpack(userDataText(found.bytes)).layers) {
        for (const address of unchecked(layer)) {
          if (!said.has(address)) report(`${found.path}: ${layer.where} downloads ${address} without a checksum.`);
          said.add(address);
        }
      }
    },
  });

function unchecked({ text }: Layer): string[] {
  const document = parsed(text);
  return typeof document === "object" && document !== null ? sources(document) : downloads(text);
}

/** Ignition: everything with a remote `source` has a `verification`. https://coreos.github.io/ignition/configuration-v3_4/ */
function sources(value: Value): string[] {
  if (Array.isArray(value)) return (value as readonly Value[]).flatMap(sources);
  if (typeof value !== "object" || value === null) return [];
  const { source, verification } = value as Bag;
  const own =
    typeof source === "string" && /^(?:https?|tftp|s3|gs|arn):/i.test(source) && !isHash(bag(verification)["hash"])
      ? [source]
      : [];
  return [...own, ...Object.values(value).flatMap(sources)];
}

function isHash(value: Value): boolean {
  return typeof value === "string" && /^sha(?:256|512)-[0-9a-f]{64,128}$/.test(value);
}

const address = /\bhttps?:\/\/[^\s"'`\\<>|)]+/g;
const checksum = /\b(?:[0-9a-f]{64}|[0-9a-f]{128})\b/;
/** Addresses of files, as opposed to services. */
const file = /\/(?:releases?|downloads?|bin|archive)\/|\.(?:tar|tgz|gz|bz2|xz|zst|zip|raw|img|deb|rpm|sh)(?:[?#]|$)/;
const here = /^https?:\/\/(?:localhost|127\.|169\.254\.|\[::1\])/;

/** Scripts and units: the checksum is in the line of the address or in one of the next three, where it is compared. */
function downloads(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    if (/^\s*(?:#|Documentation=)/.test(line)) return [];
    const found = [...line.matchAll(address)]
      .map(([url]) => url)
      .filter((url) => !here.test(url) && (file.test(url) || /\b(?:curl|wget)\b/.test(line)));
    return found.length === 0 || lines.slice(index, index + 4).some((near) => checksum.test(near)) ? [] : found;
  });
}
