import { sdkDeclaration } from "../framework/types.js";
import type { Plugin } from "../framework/kind.js";
import { kinds } from "./kinds.js";

export const plugin: Plugin = {
  name: "tls",
  sdk: "@pulumi/tls",
  kind: (type) => kinds.get(type),
  offered: [...kinds.keys()].join(", "),
  declaration: sdkDeclaration,
};
