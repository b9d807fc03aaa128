/** Fails a run whose tests leave a server, a process, a socket or a timer behind, instead of hanging until the suite's limit. */

/** Milliseconds after the last test until what is left counts as left behind. */
const patience = 5000;

export const mochaHooks = {
  afterAll(): void {
    // Only what is still active keeps the process alive until the timer fires.
    setTimeout(() => {
      process.stdout.write(`\nthe tests have left active: ${process.getActiveResourcesInfo().join(", ")}\n`);
      // Mocha sets the code of its own counts as the process exits.
      process.on("exit", () => (process.exitCode = 1));
      process.exit();
    }, patience).unref();
  },
};
