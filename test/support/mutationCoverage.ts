/**
 * Which tests reach a mutant, for results that several tests share. Stryker runs a mutant with the tests that reached it in its first
 * run; it knows nothing of hooks and of results that are kept, and would run the first test alone, or one of another suite.
 */
import fc from "fast-check";
import { Suite } from "mocha";

/** What Stryker's instrumentation shares with the tests; there is none outside of mutation testing. */
interface Instrumentation {
  currentTestId?: string;
  readonly activeMutant?: string;
  readonly mutantCoverage?: {
    readonly static: Record<string, number>;
    readonly perTest: Record<string, Record<string, number> | undefined>;
  };
}

const instrumentation = (): Instrumentation | undefined =>
  (globalThis as { readonly __stryker__?: Instrumentation }).__stryker__;

const prefix = "shared: ";

/** What a result is kept under: one that a mutant has made must not be used for another. */
export const keyWithMutant = (key: string): string => `${instrumentation()?.activeMutant ?? ""} ${key}`;

/** Notes what the work reaches, for those who use its result. */
export async function reached<Result>(key: string, work: () => Result): Promise<Awaited<Result>> {
  const stryker = instrumentation();
  if (!stryker) return await work();
  const before = stryker.currentTestId;
  stryker.currentTestId = prefix + key;
  try {
    return await work();
  } finally {
    stryker.currentTestId = before;
  }
}

/** The user, a test unless given, counts as reaching what the work reached. */
export function use(key: string, user = instrumentation()?.currentTestId): void {
  const perTest = instrumentation()?.mutantCoverage?.perTest;
  const found = perTest?.[prefix + key];
  if (!perTest || !found || user === undefined) return;
  const own = (perTest[user] ??= {});
  for (const [mutant, count] of Object.entries(found)) own[mutant] = (own[mutant] ?? 0) + count;
}

const keyOf = (suite: Suite): string => `before ${suite.fullTitle()}`;

export const mochaHooks = {
  beforeEach(this: Mocha.Context): void {
    const test = this.currentTest;
    for (let suite = test?.parent; suite; suite = suite.parent) use(keyOf(suite), test?.fullTitle());
  },
  afterAll(): void {
    const perTest = instrumentation()?.mutantCoverage?.perTest ?? {};
    for (const key of Object.keys(perTest)) if (key.startsWith(prefix)) delete perTest[key];
    // Reached by a test, and also while files were loaded. Stryker would start a new process for each of these, although it activates
    // them only after all files are loaded.
    if (process.env["MUTATE_CONSTANTS"]) return;
    const loaded = instrumentation()?.mutantCoverage?.static ?? {};
    for (const reachedByTest of Object.values(perTest))
      for (const id of Object.keys(reachedByTest ?? {})) delete loaded[id];
  },
};

type Hook = (this: Mocha.Context) => unknown;
const original = Suite.prototype.beforeAll as (this: Suite, title: string | Hook, hook?: Hook) => Suite;

// That a property fails is enough: the smallest example takes minutes.
if (instrumentation()) fc.configureGlobal({ endOnFailure: true });

// Hooks of a suite count for each of its tests.
if (instrumentation())
  Suite.prototype.beforeAll = function (this: Suite, ...args: readonly unknown[]): Suite {
    const hook = args.find((each): each is Hook => typeof each === "function");
    const title = typeof args[0] === "string" ? args[0] : "";
    if (!hook) return original.call(this, title);
    const key = keyOf(this);
    return original.call(this, title, function (this: Mocha.Context) {
      return reached(key, () => hook.call(this));
    });
  };
