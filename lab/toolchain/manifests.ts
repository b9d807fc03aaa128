/**
 * Renders the CustomResourceDefinitions of add-ons from the modules that their programs are built of, at the versions that are locked.
 * Run it after a change of a version, after `pin.ts`.
 *
 * Run: `npx tsx lab/toolchain/manifests.ts`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectDirectory } from "../config.js";
import { run } from "../process/run.js";
import { findGo } from "./go.js";
import { imageVersion, type Versions } from "./versions.js";

interface Source {
  readonly module: string;
  readonly image: keyof Versions["images"];
  /** Folders of the module with a definition in each file. */
  readonly folders: readonly string[];
  /** Beginning of the files' names. @default all of them */
  readonly files?: string;
}

/** By the name of the folder in `components/addons/manifests`. */
export const sources: Readonly<Record<string, Source>> = {
  velero: {
    module: "github.com/vmware-tanzu/velero",
    image: "velero",
    folders: ["config/crd/v1/bases", "config/crd/v2alpha1/bases"],
  },
  "external-snapshotter": {
    module: "github.com/kubernetes-csi/external-snapshotter/client/v8",
    image: "snapshot-controller",
    folders: ["config/crd"],
    // Without those of groups of volumes.
    files: "snapshot.storage.k8s.io_",
  },
};

export const renderedFile = (name: string): string =>
  join(projectDirectory, "components/addons/manifests", name, "crds.json");

/** What the file must contain. Downloads the module where Go's cache does not have it. */
export async function render(name: string): Promise<string> {
  const { module, image, folders, files = "" } = sources[name]!;
  const version = imageVersion(image);
  const go = await findGo();
  const answer = await run([go.command, "mod", "download", "-json", `${module}@v${version}`], {
    env: go.env,
    cwd: "/",
  });
  const { Dir, Sum } = JSON.parse(answer) as { readonly Dir: string; readonly Sum: string };
  const objects = folders.flatMap((folder) =>
    readdirSync(join(Dir, folder))
      .filter((file) => file.startsWith(files) && file.endsWith(".yaml"))
      .sort()
      .map((file) => {
        const { kind, metadata, spec } = parse(readFileSync(join(Dir, folder, file), "utf8")) as Record<
          string,
          unknown
        >;
        return { kind, metadata, spec };
      }),
  );
  return `${JSON.stringify({ module, version, sum: Sum, objects }, undefined, 1)}\n`;
}

async function main(): Promise<void> {
  for (const name of Object.keys(sources)) writeFileSync(renderedFile(name), await render(name));
}

if (require.main === module)
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
