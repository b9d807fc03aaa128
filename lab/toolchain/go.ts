/** Finds the Go command and pins it to one version. */
import { run } from "../process/run.js";
import { versions } from "./versions.js";

/** Oldest Go that can switch to another version of itself. */
const oldest = [1, 21] as const;

export interface GoCommand {
  readonly command: string;
  /** Environment for reproducible builds: the user's, with everything reset that changes what is built. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The Go command on the PATH, set to compile with the version in `versions/common.json` (`toolchain.go`), which a Go of another
 * version downloads.
 * @throws Error with what to install when there is no Go or it is too old.
 */
export async function findGo(signal?: AbortSignal, env: NodeJS.ProcessEnv = process.env): Promise<GoCommand> {
  const wanted = versions.toolchain.go;
  const advice = `install Go ${wanted} (https://go.dev/doc/install) and put its bin folder on the PATH`;
  const environment = {
    ...env,
    GOTOOLCHAIN: `go${wanted}`,
    GOFLAGS: "",
    GOWORK: "off",
    GOOS: "linux",
    GOARCH: "amd64",
    GOAMD64: "v1",
    GOEXPERIMENT: "",
  };
  const found = await run(["go", "env", "GOVERSION"], { env: { ...environment, GOTOOLCHAIN: "local" }, signal }).catch(
    (error: Error) => {
      signal?.throwIfAborted();
      throw new Error(`Go is missing, and the lab's tools are built with it: ${advice}. (${error.message})`, {
        cause: error,
      });
    },
  );
  const version = found.trim();
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new Error(
      `Go on the PATH is ${version}; Go ${oldest.join(".")} or newer is needed, best ${wanted}: ${advice}`,
    );
  }
  if (version === `go${wanted}`) return { command: "go", env: { ...environment, GOTOOLCHAIN: "local" } };
  await run(["go", "version"], { env: environment, signal }).catch((error: Error) => {
    signal?.throwIfAborted();
    throw new Error(
      `Go on the PATH is ${version} and cannot fetch the pinned version ${wanted}: ${advice}. (${error.message})`,
      { cause: error },
    );
  });
  return { command: "go", env: environment };
}
