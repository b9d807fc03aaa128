/** AWS: least privilege, without wildcards. (DigitalOcean has no roles for machines.) */
import type { Resource } from "../components/cloud/policy.js";
import { type Allowed, allowedNames, type Report, resourceRule } from "./rule.js";
import { type Bag, bag, list, parsed, texts, unknown, type Value } from "../components/cloud/propertyValues.js";

interface Settings extends Allowed {
  readonly actions: readonly string[];
  readonly unscoped: readonly string[];
}

/** Properties that contain a policy, by type. */
const documents: Readonly<Record<string, string>> = {
  "aws:iam/policy:Policy": "policy",
  "aws:iam/rolePolicy:RolePolicy": "policy",
  "aws:iam/userPolicy:UserPolicy": "policy",
  "aws:iam/groupPolicy:GroupPolicy": "policy",
  "aws:iam/role:Role": "assumeRolePolicy",
};

/** AWS's managed policies that allow everything, or everything of a service. */
const broad =
  /:aws:policy\/(?:job-function\/)?(?:\w*FullAccess|AdministratorAccess|PowerUserAccess|SystemAdministrator)\b/;

export const noWildcardIam = resourceRule<Settings>({
  id: "no-wildcard-iam",
  description: "IAM policies name the actions and resources that they allow, without wildcards.",
  settings: {
    actions: {
      type: "array",
      items: { type: "string" },
      default: [],
      description: "Actions with a wildcard that are allowed, such as ec2:Describe*.",
    },
    unscoped: {
      type: "array",
      items: { type: "string" },
      default: ["^[a-z0-9-]+:(?:Describe|List)[A-Za-z]*$", "^ecr:GetAuthorizationToken$", "^sts:GetCallerIdentity$"],
      description:
        "Regular expressions of actions that may be allowed for Resource *, because AWS cannot restrict them. With a Condition, other actions may too.",
    },
    ...allowedNames("may use wildcards"),
  },
  check: (resource, settings, report) => {
    const { type, props } = resource;
    const property = documents[type];
    if (property !== undefined) checkDocument(property, props[property], settings, report);
    list(type === "aws:iam/role:Role" ? props["inlinePolicies"] : []).forEach((policy, index) =>
      checkDocument(`inlinePolicies[${index}].policy`, bag(policy)["policy"], settings, report),
    );
    for (const [path, arn] of managedPolicies(resource)) {
      if (broad.test(arn))
        report(`${path}: ${arn} allows everything of a service or more; use a policy that names the actions.`);
    }
  },
});

function managedPolicies({ type, props }: Resource): [string, string][] {
  if (type === "aws:iam/role:Role") return texts(props["managedPolicyArns"]).map((arn) => ["managedPolicyArns", arn]);
  return /^aws:iam\/\w*[pP]olicyAttachment:/.test(type)
    ? texts(props["policyArn"]).map((arn) => ["policyArn", arn])
    : [];
}

function checkDocument(path: string, value: Value, settings: Settings, report: Report): void {
  if (value === undefined || value === unknown) return;
  const document = parsed(value);
  if (typeof document !== "object" || document === null) {
    report(`${path}: is not JSON, so it cannot be checked; write the policy as JSON.`);
    return;
  }
  list(bag(document)["Statement"])
    .map(bag)
    .forEach((statement, index) => checkStatement(`${path}.Statement[${index}]`, statement, settings, report));
}

function checkStatement(path: string, statement: Bag, { actions, unscoped }: Settings, report: Report): void {
  if (statement["Effect"] === "Deny") return;
  for (const key of ["NotAction", "NotResource", "NotPrincipal"]) {
    if (statement[key] !== undefined)
      report(`${path}.${key}: allows everything except what it names; name what is allowed.`);
  }
  const named = texts(statement["Action"]);
  const wild = named.filter((action) => action.includes("*") && !actions.includes(action));
  if (wild.length > 0) report(`${path}.Action: ${wild.join(" and ")} has a wildcard; name the actions.`);
  if (Object.keys(bag(statement["Condition"])).length > 0) return;
  const everything = texts(statement["Resource"]).filter((arn) => /^(?:\*|arn:[^:]*:\*.*)$/.test(arn));
  const narrow = named.filter(
    (action) => !actions.includes(action) && !unscoped.some((pattern) => new RegExp(pattern).test(action)),
  );
  if (everything.length > 0 && narrow.length > 0) {
    report(
      `${path}.Resource: ${everything.join(" and ")} for ${narrow.join(" and ")}; name the resources, or add a Condition.`,
    );
  }
  const principal = statement["Principal"];
  if ([principal, ...Object.values(bag(principal)).flatMap(list)].includes("*"))
    report(`${path}.Principal: * allows everyone; name the principals.`);
}
