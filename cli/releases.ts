/** Settings for another release of Kubernetes, to be taken back or finished. Pure; whether a step is allowed, the program says. */
import { minorOf } from "../components/contract/versionNumbers.js";
import { minorNumber, type RecordedReleases } from "../components/spec/upgrade.js";
import { refuse } from "./problem.js";

export interface ReleaseOptions {
  /** Of Kubernetes. */
  readonly version?: string;
  /** False: nodes follow in the same run, and nothing can be taken back. @default true */
  readonly soak?: boolean;
  /** End the emulation. */
  readonly finalize?: boolean;
  /** Return to the release that nodes have kept. */
  readonly back?: boolean;
}

type Wanted = Readonly<Record<"kubernetes_version" | "emulated_version", string | null>>;

/** `null` removes a setting. Undefined: the options ask for none of it. @throws Problem where nothing is emulated. */
export function releaseSettings(
  { version, soak = true, finalize, back }: ReleaseOptions,
  { started, finished }: RecordedReleases,
): Wanted | undefined {
  const emulating = [started, finished].find((releases) => releases?.emulatedVersion !== undefined);
  if (finalize === true || back === true) {
    if (!emulating)
      throw refuse({
        path: finalize === true ? "--finalize" : "--back",
        got: "a cluster whose control plane emulates nothing",
        allowed: "one whose control plane emulates the minor version before, as after corekube update --version",
        run: "corekube versions",
      });
    return {
      kubernetes_version: back === true ? emulating.nodeVersion : (started ?? emulating).kubernetesVersion,
      emulated_version: null,
    };
  }
  if (version === undefined) return undefined;
  const nodes = emulating?.nodeVersion ?? (finished ?? started)?.nodeVersion;
  // A minor version more than the nodes have can be taken back while it is emulated; a patch can be at any time.
  const emulated = soak && nodes !== undefined && minorNumber(version) > minorNumber(nodes) ? minorOf(nodes) : null;
  return { kubernetes_version: version, emulated_version: emulated };
}
