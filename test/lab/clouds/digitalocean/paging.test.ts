import assert from "node:assert/strict";
import { pageLinks, pageOf } from "../../../../lab/clouds/digitalocean/paging.js";
import { at, listAt, TestApi } from "./support.js";

const address = new URL("http://198.51.100.1:8080/v2/droplets?per_page=2&tag_name=web");
const pages = (page: number, perPage: number, total: number): Record<string, string> => {
  const links = pageLinks(address, { page, perPage }, total).pages ?? {};
  return Object.fromEntries(
    Object.entries(links).map(([name, link]) => [name, new URL(link).searchParams.get("page") ?? ""]),
  );
};

describe("lab API: paging", () => {
  const cases: readonly [page: number, perPage: number, total: number, expected: Record<string, string>][] = [
    [1, 20, 0, {}],
    [1, 20, 20, {}],
    [1, 20, 21, { next: "2", last: "2" }],
    [2, 20, 21, { first: "1", prev: "1" }],
    [2, 2, 5, { first: "1", prev: "1", next: "3", last: "3" }],
    [3, 2, 6, { first: "1", prev: "2" }],
    [9, 2, 6, { first: "1", prev: "3" }],
    [2, 20, 3, { first: "1", prev: "1" }],
  ];
  for (const [page, perPage, total, expected] of cases) {
    it(`page ${page} of ${total} by ${perPage} links to ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(pages(page, perPage, total), expected));
  }

  it("keeps the list's other parameters in its links", () => {
    const next = pageLinks(address, { page: 1, perPage: 2 }, 5).pages?.next ?? "";
    assert.equal(next, "http://198.51.100.1:8080/v2/droplets?per_page=2&tag_name=web&page=2");
  });

  it("takes 20 a page by default, and never more than 200", () => {
    assert.deepEqual(pageOf({}), { page: 1, perPage: 20 });
    assert.deepEqual(pageOf({ page: "3", per_page: "999" }), { page: 3, perPage: 200 });
  });

  describe("over HTTP", () => {
    const api = new TestApi();
    before(() => api.start());
    after(() => api.stop());

    it("walks a list without losing or repeating an item", async () => {
      const seen: unknown[] = [];
      let url = "/v2/sizes?per_page=7";
      for (let next: string | undefined = url; next !== undefined;) {
        url = next;
        const body = await api.get(url);
        seen.push(...listAt(body, "sizes").map((size) => size["slug"]));
        const links = at(body, "links") as { pages?: { next?: string } };
        next = links.pages?.next?.replace(/^http:\/\/[^/]+/, "");
        assert.equal(at(body, "meta.total"), 42);
      }
      assert.equal(new Set(seen).size, 42);
      assert.equal(seen.length, 42);
    });

    it("answers a page beyond the last with an empty list", async () => {
      const body = await api.get("/v2/regions?page=5");
      assert.deepEqual(body["regions"], []);
      assert.equal(at(body, "meta.total"), 12);
    });

    for (const query of ["page=0", "page=-1", "page=two", "per_page=0", "per_page=1.5"]) {
      it(`refuses ${query}`, async () => {
        const answer = await api.request("GET", `/v2/droplets?${query}`);
        assert.equal(answer.status, 422);
        assert.equal(answer.body["id"], "unprocessable_entity");
      });
    }
  });
});
