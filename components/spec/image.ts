/** Images of Flatcar, as far as their names and addresses say which release they are, and what a newer one means for a cluster. Pure. */

/** Major, minor and patch. Undefined: it is not Flatcar's, or its name or address does not say, as the id of an image. */
export function flatcarRelease(image: string): readonly [number, number, number] | undefined {
  const found = /flatcar/i.test(image)
    ? /(?:^|[^0-9])([0-9]{4})\.([0-9]+)\.([0-9]+)(?:[^0-9]|$)/.exec(image)
    : undefined;
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

function isOlder(image: string, than: string): boolean {
  const [release, other] = [flatcarRelease(image), flatcarRelease(than)];
  if (!release || !other) return false;
  const at = release.findIndex((part, index) => part !== other[index]);
  return at !== -1 && release[at]! < other[at]!;
}

/**
 * What to say of the image that machines keep. Undefined: there is no newer one, or nobody can tell.
 * @param image of the machines.
 * @param ofCheckout the checkout's own, for the same cloud.
 * @param options of `pulumi`, such as ` --stack prod`.
 */
export function remarkOnImage(image: string, ofCheckout: string, options = ""): string | undefined {
  if (!isOlder(image, ofCheckout)) return undefined;
  return `The machines keep the image ${image}. This checkout has a newer one, which replaces all of them in turn: pulumi config set image ${ofCheckout}${options} && pulumi up${options}`;
}
