/**
 * Plain data to Ignition, the configuration format of Flatcar's first boot: https://coreos.github.io/ignition/configuration-v3_4/
 *
 * User-data is a small configuration that replaces itself by the compressed one inside it. Compressed as a whole, it is half as large
 * as with each file compressed.
 */
import { constants, gunzipSync, gzipSync } from "node:zlib";
import type { Placement } from "./placement.js";
import type { NodeFile } from "./types.js";

/** Version of Ignition's specification; every supported Flatcar release reads it. */
const version = "3.4.0";

/** The configuration as user-data. The same configuration is the same text. */
export function renderIgnition(config: Placement): string {
  const packed = gzipSync(JSON.stringify(document(config)), { level: constants.Z_BEST_COMPRESSION });
  const replace = { compression: "gzip", source: `data:;base64,${packed.toString("base64")}` };
  return JSON.stringify({ ignition: { version, config: { replace } } });
}

/**
 * The configuration inside user-data, as Ignition's JSON.
 * @throws Error when it was not made by `renderIgnition`.
 */
export function unpackIgnition(userData: string): string {
  const packed = /"source":"data:;base64,([A-Za-z0-9+/=]*)"/.exec(userData)?.[1];
  if (packed === undefined) {
    throw new Error("user-data: has no packed configuration inside; it was not made by this program");
  }
  return gunzipSync(Buffer.from(packed, "base64")).toString("utf8");
}

function document(config: Placement): object {
  return {
    ignition: { version },
    ...(config.users.length > 0
      ? { passwd: { users: config.users.map((user) => ({ name: user.name, sshAuthorizedKeys: user.sshPublicKeys })) } }
      : {}),
    storage: {
      directories: config.directories,
      files: config.files.map(fileEntry),
      links: config.links.map((link) => ({ ...link, overwrite: true })),
    },
  };
}

function fileEntry({ path, mode, contents }: NodeFile): object {
  return { path, mode, overwrite: true, contents: { source: `data:,${encodeURIComponent(contents)}` } };
}
