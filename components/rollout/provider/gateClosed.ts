/** A gate did not let the machine go. The machine was not changed. */
export class GateClosed extends Error {
  /** @param obstacles What must be fixed, one line for each. @default the message says what to do */
  constructor(message: string, obstacles: readonly string[] = []) {
    const lines = obstacles.map((line) => `  ${line}\n`).join("");
    super(
      obstacles.length === 0
        ? message
        : `${message}\n${lines}Fix this and run \`pulumi up\` again; it re-checks and resumes here.`,
    );
  }
}
