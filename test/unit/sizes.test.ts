/** The size tables against what is known of the clouds from elsewhere. */
import assert from "node:assert/strict";
import { awsSizes } from "../../components/aws/sizes.js";
import { clouds } from "../../components/clouds.js";
import { dropletSizes } from "../../components/digitalocean/sizes.js";
import { findSize } from "../../lab/clouds/digitalocean/catalog/sizes.js";

describe("size tables", () => {
  it("have each size once, with positive numbers", () => {
    for (const { name: cloud, profile } of clouds) {
      assert.equal(new Set(profile.sizes.map(({ name }) => name)).size, profile.sizes.length, cloud);
      for (const { name, cpus, memory, monthly } of profile.sizes)
        assert.ok(cpus > 0 && memory >= 512 && monthly > 0, `${cloud} ${name}`);
    }
  });

  it("agree with the price list in the lab's catalog of DigitalOcean", () => {
    const compared = dropletSizes.flatMap((size) => {
      const listed = findSize(size.name);
      return listed ? [{ size, listed }] : [];
    });
    for (const { size, listed } of compared) {
      const { name, cpus, memory, disk, monthly } = size;
      assert.deepEqual([cpus, memory, disk, monthly], [listed.vcpus, listed.memory, listed.disk, listed.monthly], name);
    }
    assert.equal(compared.length, dropletSizes.length);
  });

  /** vCPUs and GiB from https://docs.aws.amazon.com/ec2/latest/instancetypes/, dollars an hour in us-east-1 from https://aws.amazon.com/ec2/pricing/on-demand/ */
  const published: readonly (readonly [string, number, number, number])[] = [
    ["t3.micro", 2, 1, 0.0104],
    ["t3.xlarge", 4, 16, 0.1664],
    ["m5.large", 2, 8, 0.096],
    ["m6i.32xlarge", 128, 512, 6.144],
    ["m7i-flex.large", 2, 8, 0.09576],
    ["c6i.xlarge", 4, 8, 0.17],
    ["c7a.medium", 1, 2, 0.05132],
    ["r6i.2xlarge", 8, 64, 0.504],
    ["r6a.48xlarge", 192, 1536, 10.8864],
  ];
  for (const [name, cpus, memory, hourly] of published) {
    it(`have ${name} of AWS as published`, () => {
      const size = awsSizes.find((candidate) => candidate.name === name);
      assert.deepEqual([size?.cpus, size?.memory], [cpus, memory * 1024]);
      assert.ok(Math.abs(size!.monthly - hourly * 730) < 0.02, String(size!.monthly));
    });
  }
});
