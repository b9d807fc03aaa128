"use strict";
// What the engine's runner loads: package.json's `main`.

// The SDK takes a stack trace of each promise of each output, 140 for one machine: half of the time and memory of a large cluster.
if (!process.env.PULUMI_DEBUG_PROMISE_LEAKS) Error.stackTraceLimit = 0;
module.exports = require("../start/compiled.cjs").load("infra/index.ts");
