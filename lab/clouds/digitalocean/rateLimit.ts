/**
 * The original's rate limits, per token: every request counts for one hour after it was made (5,000), and within a minute
 * no more than 250 may be made.
 */
import { ApiError } from "./errors.js";

export interface RateLimit {
  /** Requests an hour. @default 5000 */
  readonly hourly: number;
  /** Requests a minute. @default 250 */
  readonly burst: number;
}

export const defaultRateLimit: RateLimit = { hourly: 5000, burst: 250 };

const hour = 3_600_000;
const minute = 60_000;

export class RateLimiter {
  /** Times of the requests of the last hour, oldest first; `start` is the first that still counts. */
  private times: number[] = [];
  private start = 0;

  constructor(
    private readonly limit: RateLimit,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Counts a request.
   * @returns the headers of its answer.
   * @throws ApiError 429, with the same headers and, for the limit of a minute, `retry-after` in seconds.
   */
  count(): Record<string, string> {
    const now = this.now();
    this.expire(now);
    const used = this.times.length - this.start;
    if (used >= this.limit.hourly) throw this.exceeded(this.headers(0, now), undefined);
    const burstStart = this.times[this.times.length - this.limit.burst];
    if (burstStart !== undefined && burstStart > now - minute)
      throw this.exceeded(this.headers(0, now), burstStart + minute - now);
    this.times.push(now);
    return this.headers(this.limit.hourly - used - 1, now);
  }

  private expire(now: number): void {
    while ((this.times[this.start] ?? now) <= now - hour) this.start += 1;
    if (this.start > 1000) {
      this.times = this.times.slice(this.start);
      this.start = 0;
    }
  }

  private headers(remaining: number, now: number): Record<string, string> {
    return {
      "ratelimit-limit": String(this.limit.hourly),
      "ratelimit-remaining": String(remaining),
      "ratelimit-reset": String(Math.ceil(((this.times[this.start] ?? now) + hour) / 1000)),
    };
  }

  private exceeded(headers: Record<string, string>, wait: number | undefined): ApiError {
    const retry: Record<string, string> =
      wait === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(wait / 1000))) };
    return new ApiError(429, "API rate limit exceeded.", { ...headers, ...retry });
  }
}
