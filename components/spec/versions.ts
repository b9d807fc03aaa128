/** The one place from which code reads `versions.json`. */
import versions from "../../versions.json";

/** A file that machines download. */
export interface Release {
  /** Address of the original. */
  readonly url: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

/** A container image. */
export interface Image {
  /** Name with tag. */
  readonly name: string;
  /** `sha256:<hex>`; null where only the tag is known. */
  readonly digest: string | null;
}

/** Reference under which an image is pulled: by digest where one is known. */
export function imageReference(image: Image): string {
  return image.digest ? `${image.name}@${image.digest}` : image.name;
}

export { versions };
