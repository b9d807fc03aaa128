import assert from "node:assert/strict";
import { ApiError } from "../../../../lab/clouds/digitalocean/errors.js";
import { RateLimiter } from "../../../../lab/clouds/digitalocean/rateLimit.js";
import { TestApi } from "./support.js";

describe("lab API: rate limits", () => {
  let time = 0;
  const limiter = (hourly: number, burst: number, keyLists = 10): RateLimiter => {
    time = 1_700_000_000_000;
    return new RateLimiter({ hourly, burst, keyLists }, () => time);
  };
  const refusal = (limited: RateLimiter, keys = false): ApiError => {
    try {
      limited.count(keys);
    } catch (error) {
      if (error instanceof ApiError) return error;
    }
    return assert.fail("was not refused");
  };

  it("counts each request for an hour after it was made", () => {
    const limited = limiter(3, 100);
    assert.equal(limited.count(false)["ratelimit-remaining"], "2");
    time += 60_000;
    assert.equal(limited.count(false)["ratelimit-remaining"], "1");
    assert.deepEqual(limited.count(false), {
      "ratelimit-limit": "3",
      "ratelimit-remaining": "0",
      "ratelimit-reset": String(1_700_000_000 + 3600),
    });
    assert.equal(refusal(limited).headers["retry-after"], undefined);
    time += 3_540_000; // an hour after the first one, but not after the others
    assert.equal(limited.count(false)["ratelimit-remaining"], "0");
    refusal(limited);
  });

  it("refuses a burst within a minute and says how long to wait", () => {
    const limited = limiter(5000, 3);
    limited.count(false);
    time += 10_000;
    limited.count(false);
    limited.count(false);
    const error = refusal(limited);
    assert.equal(error.status, 429);
    assert.equal(error.headers["retry-after"], "50");
    assert.equal(error.headers["ratelimit-remaining"], "0");
    time += 50_000;
    limited.count(false);
  });

  it("does not count what it refuses", () => {
    const limited = limiter(5000, 1);
    limited.count(false);
    for (let index = 0; index < 5; index += 1) refusal(limited);
    time += 60_000;
    assert.equal(limited.count(false)["ratelimit-remaining"], "4998");
  });

  it("has a separate limit for lists of SSH keys", () => {
    const limited = limiter(5000, 250, 1);
    limited.count(true);
    assert.equal(refusal(limited, true).headers["retry-after"], "60");
    limited.count(false);
  });

  describe("over HTTP", () => {
    const api = new TestApi({ rateLimit: { hourly: 100, burst: 2, keyLists: 10 } });
    before(() => api.start());
    after(() => api.stop());

    it("shows the limits with every answer, and answers 429 in the original's form", async () => {
      const first = await api.request("GET", "/v2/account");
      assert.equal(first.headers["ratelimit-limit"], "100");
      assert.equal(first.headers["ratelimit-remaining"], "99");
      assert.ok(Number(first.headers["ratelimit-reset"]) > Date.now() / 1000);
      await api.request("GET", "/v2/nothing");
      const refused = await api.request("GET", "/v2/account");
      assert.equal(refused.status, 429);
      assert.equal(refused.body["id"], "too_many_requests");
      assert.equal(refused.body["message"], "API rate limit exceeded.");
      assert.ok(Number(refused.headers["retry-after"]) > 0);
      assert.equal(refused.headers["ratelimit-limit"], "100");
    });
  });
});
