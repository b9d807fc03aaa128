import { limits } from "../../../provider/operation/limits.js";

/** Gates of this suite wait for so many seconds only. */
export function waitOnly(given: Partial<typeof limits>): void {
  const kept = { ...limits };
  before(() => void Object.assign(limits, given));
  after(() => void Object.assign(limits, kept));
}
