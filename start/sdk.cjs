"use strict";
/**
 * `@pulumi/pulumi` for the compiled program. The SDK's own index loads the Automation API, dynamic providers and the
 * serialization of functions as well, which take two thirds of its time: here they load when they are used.
 */
const parts = ["config", "errors", "invoke", "metadata", "output", "resource", "stackReference", "stash"];
Object.assign(exports, ...parts.map((name) => require(`@pulumi/pulumi/${name}`)));
for (const name of ["asset", "automation", "dynamic", "iterable", "log", "provider", "utils"])
  Object.defineProperty(exports, name, { enumerable: true, get: () => require(`@pulumi/pulumi/${name}`) });
exports.runtime = require("./runtime.cjs");
exports.deploymentOnlyModule = true;
Object.defineProperty(exports, "__esModule", { value: true });
