"use strict";
/** `@pulumi/pulumi/runtime` for the compiled program, without the serialization of functions: see sdk.cjs. */
const parts = ["config", "invoke", "resource", "rpc", "settings", "stack"];
Object.assign(exports, ...parts.map((name) => require(`@pulumi/pulumi/runtime/${name}`)));
for (const name of ["serializeFunction", "serializeFunctionAsync", "computeCodePaths", "setMocks"])
  Object.defineProperty(exports, name, { enumerable: true, get: () => require("@pulumi/pulumi/runtime")[name] });
Object.defineProperty(exports, "__esModule", { value: true });
