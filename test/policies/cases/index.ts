import type { Case } from "../support/case.js";
import { diskCases, etcdCases, machineCases, networkCases, tagCases } from "./cloud.js";
import { iamCases, keyCases } from "./keys.js";
import { podCases } from "./kubernetes.js";
import { userDataCases } from "./userData.js";

/** Of every rule at least one. */
export const cases: readonly Case[] = [
  ...etcdCases,
  ...networkCases,
  ...diskCases,
  ...userDataCases,
  ...keyCases,
  ...tagCases,
  ...machineCases,
  ...iamCases,
  ...podCases,
];
