/** Mocha's usual report, and beside it the counts and the failures in a file (`COREKUBE_TEST_COUNTS`) for `test/run.ts`. */
import { writeFileSync } from "node:fs";
import Mocha from "mocha";

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env["COREKUBE_TEST_COUNTS"];
    runner.once("end", () => {
      const failures = this.failures.map((test) => `${test.fullTitle()}\n${test.err?.message ?? ""}`);
      if (file)
        writeFileSync(
          file,
          JSON.stringify({
            passed: this.stats.passes,
            failed: this.stats.failures,
            skipped: this.stats.pending,
            failures,
          }),
        );
    });
  }
}

// Mocha takes the module itself for the reporter.
export = CountingReporter;
