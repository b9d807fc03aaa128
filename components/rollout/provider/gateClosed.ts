/** A gate did not let the machine go. The machine was not changed. */
export class GateClosed extends Error {
  /**
   * @param obstacles What must be fixed, one line for each. @default the message says what to do
   * @param broken Machines that do not serve and may have to be replaced. @default none
   */
  constructor(message: string, obstacles: readonly string[] = [], broken: readonly string[] = []) {
    const lines = obstacles.map((line) => `  ${line}\n`).join("");
    const [first] = broken;
    const otherwise =
      first === undefined
        ? ""
        : ` A machine that will not serve again is replaced first with: pulumi up --replace '**::${first}'`;
    super(
      obstacles.length === 0
        ? message
        : `${message}\n${lines}Fix this and run \`pulumi up\` again; it re-checks and resumes here.${otherwise}`,
    );
  }
}
