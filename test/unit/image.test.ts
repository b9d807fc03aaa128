/** Which image machines get: a newer checkout changes none, and says what it has. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cloudNamed, clouds } from "../../components/clouds.js";
import { remarkOnImage } from "../../components/spec/image.js";
import { flatcar } from "../../components/spec/versions.js";
import { chooseImage } from "../../infra/settings/image.js";

const address = (release: string): string =>
  `https://stable.release.flatcar-linux.net/amd64-usr/${release}/flatcar_production_digitalocean_image.bin.bz2`;
const name = (release: string): string => `Flatcar-stable-${release}-hvm`;

/** Of each cloud: its own image, an older one, one that does not say what it is, and one that machines cannot start with. */
const images = {
  digitalocean: [flatcar.digitalocean, address("4459.2.1"), "7938206", address("4230.2.4")],
  aws: [flatcar.aws, name("4459.2.1"), "ami-0123456789abcdef0", name("4230.2.4")],
} as const;

for (const cloud of ["digitalocean", "aws"] as const) {
  const [own, older, unknown, bad] = images[cloud];
  const choose = (image: string, recorded?: string) => chooseImage({ image, cloud }, recorded, clouds);

  describe(`the image of machines on ${cloud}`, () => {
    it("is the recorded one where none is set, and this checkout's without a record", () => {
      assert.deepEqual(choose("", older), { image: older });
      assert.deepEqual(choose("", unknown), { image: unknown });
      assert.deepEqual(choose(""), { image: own });
    });

    it("is what is set, whatever is recorded", () => {
      assert.deepEqual(choose(unknown, older), { image: unknown });
      assert.deepEqual(choose(older), { image: older });
    });

    it("is refused where a record is of a Flatcar that machines do not start with; the command sets this checkout's", () => {
      const { problem } = choose("", bad) as { problem: { allowed: string; fix: string } };
      assert.match(problem.allowed, /^a release of Flatcar after 4230: containerd /);
      assert.equal(problem.fix, `Set it: pulumi config set image ${own} && pulumi up`);
      assert.deepEqual(choose(own, bad), { image: own });
    });

    it("is never that of another cloud: the change of the cloud is refused with its own reason", () => {
      for (const other of ["digitalocean", "aws"] as const)
        if (other !== cloud) assert.deepEqual(choose("", images[other][1]), { image: own });
    });

    it("is refused where no cloud knows it, with the forms that there are", () => {
      const { problem } = choose("", "Two Words") as { problem: { path: string; got: string; allowed: string } };
      const { allowed } = cloudNamed(cloud).profile.images;
      assert.deepEqual([problem.path, problem.got, problem.allowed], ["image", "Two Words", allowed]);
    });

    it("is older than this checkout's: the run says so, with the command that leads to it", () => {
      const words = `pulumi config set image ${own} --stack prod && pulumi up --stack prod`;
      assert.ok(remarkOnImage(older, own, " --stack prod")?.endsWith(words));
      assert.ok(remarkOnImage(older, own)?.startsWith(`The machines keep the image ${older}. `));
    });

    it("is not said to be older where it is not, or where nobody can tell", () => {
      for (const image of [own, unknown, "https://images.example/flatcar.bin.bz2"])
        assert.equal(remarkOnImage(image, own), undefined, image);
    });
  });
}

describe("releases of Flatcar", () => {
  const part = fc.integer({ min: 0, max: 20 });
  const release = fc.tuple(fc.integer({ min: 4400, max: 4500 }), part, part);

  it("are compared by their numbers, not as text", () => {
    assert.ok(remarkOnImage(name("4593.2.9"), name("4593.2.10")));
    assert.equal(remarkOnImage(name("4593.10.0"), name("4593.9.9")), undefined);
    fc.assert(
      fc.property(release, release, (left, right) => {
        const number = ([major, minor, patch]: typeof left): number => (major * 100 + minor) * 100 + patch;
        const remark = remarkOnImage(name(left.join(".")), name(right.join(".")));
        return (remark !== undefined) === number(left) < number(right);
      }),
    );
  });
});
