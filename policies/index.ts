/** The policy pack `corekube`: `pulumi preview --policy-pack policies [--policy-pack-config FILE]`. Its rules: docs/policies.md. */
import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.js";

new PolicyPack("corekube", { policies: [...rules], enforcementLevel: "mandatory" });
