/** `make release VERSION=...`: one more release of Kubernetes in the region's mirror. Run again, it changes nothing. */
import type { LabConfig } from "../config.js";
import { setRegionCloud } from "../kind.js";
import { stackAddons, stackCloud } from "../engine/settings.js";
import { catalogueVersions } from "../toolchain/versions.js";
import { usedMemory } from "./memory.js";
import { runPhases } from "./phases.js";
import { exclusively } from "./run-lock.js";
import { buildPhases } from "./up.js";

/** @throws Error for a version that is not in the catalogue. */
export async function release(config: LabConfig, stack: string, version = ""): Promise<void> {
  if (!catalogueVersions.includes(version))
    throw new Error(
      `VERSION: got "${version}", allowed are ${catalogueVersions.join(", ")}; for example: make release VERSION=${catalogueVersions[0]}`,
    );
  setRegionCloud(config, stackCloud(config, stack));
  await exclusively(config, "release", () =>
    runPhases(buildPhases(config, version, stackAddons(config, stack)), usedMemory()),
  );
  const region = config.name === "lab" ? "" : ` COREKUBE_LAB=${config.name}`;
  process.stdout.write(
    [
      "",
      `The mirror has ${version}. In a cluster that may change to it:`,
      `  eval "$(make -s env${region})"`,
      `  pulumi config set kubernetes_version ${version} && pulumi up`,
      "",
    ].join("\n"),
  );
}
