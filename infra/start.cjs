"use strict";
// What the engine's runner loads: package.json's `main`.
module.exports = require("../start/compiled.cjs").load("infra/index.ts");

// The SDK takes a stack trace of each promise of each output (140 for one machine) and of each resource: half of the time and
// memory of a large cluster. Errors keep their messages, and their traces with this variable, which is the SDK's own.
if (!process.env.PULUMI_DEBUG_PROMISE_LEAKS) {
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = (error) => `${error}\n    (set PULUMI_DEBUG_PROMISE_LEAKS=true for a stack trace)`;
}
