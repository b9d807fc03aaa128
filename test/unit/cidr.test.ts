/** Arithmetic on networks, against arithmetic on plain numbers. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressCount,
  anyCidrProblem,
  cidrProblem,
  contains,
  nthAddress,
  overlap,
  prefixFor,
  prefixLength,
  subnetCount,
} from "../../components/spec/cidr.js";

interface Range {
  readonly cidr: string;
  readonly first: number;
  readonly last: number;
}

const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");

/** Any network. */
const ranges = fc
  .record({ address: fc.integer({ min: 0, max: 2 ** 32 - 1 }), prefix: fc.integer({ min: 1, max: 32 }) })
  .map(({ address, prefix }): Range => {
    const size = 2 ** (32 - prefix);
    const first = Math.floor(address / size) * size;
    return { cidr: `${dotted(first)}/${prefix}`, first, last: first + size - 1 };
  });

describe("cidr", () => {
  it("accepts every network whose address is its first", () => {
    fc.assert(fc.property(ranges, ({ cidr }) => cidrProblem(cidr) === undefined));
  });

  it("names the network when bits behind the prefix are set", () => {
    fc.assert(
      fc.property(ranges, fc.nat(), ({ cidr, first, last }, n) => {
        fc.pre(last > first);
        const inside = first + 1 + (n % (last - first));
        const prefix = prefixLength(cidr);
        assert.match(
          cidrProblem(`${dotted(inside)}/${prefix}`) ?? "",
          new RegExp(`the network is ${cidr.replaceAll(".", "\\.")}$`),
        );
      }),
    );
  });

  for (const wrong of [
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0/8",
    "10.0.0.256/32",
    "10.0.0.0/8 ",
    "ten/8",
    "10.0.0.0/",
    "2001:db8::/32",
    "010.0.0.0/8",
  ]) {
    it(`refuses "${wrong}"`, () => assert.ok(cidrProblem(wrong)));
  }

  it("accepts IPv6 only where any network is", () => {
    assert.equal(anyCidrProblem("2001:db8::/32"), undefined);
    assert.equal(anyCidrProblem("::/0"), undefined);
    assert.equal(anyCidrProblem("0.0.0.0/0"), undefined);
    assert.match(anyCidrProblem("2001:db8::1/32") ?? "", /2001:db8::\/32/);
    assert.ok(anyCidrProblem("2001:db8::/129"));
    assert.ok(anyCidrProblem("2001:db8::"));
  });

  it("counts addresses and finds the nth", () => {
    fc.assert(
      fc.property(ranges, fc.nat(), ({ cidr, first, last }, n) => {
        assert.equal(addressCount(cidr), last - first + 1);
        const inside = n % (last - first + 1);
        assert.equal(nthAddress(cidr, inside), dotted(first + inside));
        assert.throws(() => nthAddress(cidr, last - first + 1), /the network has addresses 0 to/);
      }),
    );
    assert.equal(nthAddress("10.3.0.0/16", 10), "10.3.0.10");
  });

  it("sees what networks share", () => {
    fc.assert(
      fc.property(ranges, ranges, (a, b) => {
        assert.equal(overlap(a.cidr, b.cidr), a.first <= b.last && b.first <= a.last);
        assert.equal(overlap(a.cidr, b.cidr), overlap(b.cidr, a.cidr));
        assert.equal(contains(a.cidr, b.cidr), a.first <= b.first && b.last <= a.last);
      }),
    );
    assert.ok(overlap("10.0.0.0/8", "10.2.0.0/16"));
    assert.ok(!overlap("10.2.0.0/16", "10.3.0.0/16"));
  });

  it("finds the longest prefix that holds a number of networks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_536 }), (count) => {
        const prefix = prefixFor(count, 24);
        assert.ok(subnetCount(`10.0.0.0/${prefix}`, 24) >= count);
        assert.ok(prefix === 24 || subnetCount(`10.0.0.0/${prefix + 1}`, 24) < count);
      }),
    );
  });
});
