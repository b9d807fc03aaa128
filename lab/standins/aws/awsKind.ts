/** What all of AWS's resources have in common: tags with defaults, waiting until they can be seen, and convergence. */
import type { EC2, ResourceType } from "@aws-sdk/client-ec2";
import type { ElasticLoadBalancingV2 } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { IAM } from "@aws-sdk/client-iam";
import { randomBytes } from "node:crypto";
import { isObject } from "../framework/inputs.js";
import {
  isUnknown,
  type CheckOperation,
  type Difference,
  type Failure,
  type Operation,
  type Properties,
  type State,
  UNKNOWN,
  type Value,
} from "../framework/kind.js";
import { ManagedKind } from "../framework/managedKind.js";
import { sameSets } from "../framework/sets.js";
import type { Deadline } from "../framework/waiting.js";
import type { Cloud } from "./cloud.js";
import { isInUse, isNotFound } from "./errors.js";
import { hasChanges, ownTags, tagChanges, type Tags, tagsOf, toApiTags } from "./tags.js";
import { isGiven, sameJson, text } from "./values.js";

/** Seconds in which a new resource becomes known everywhere in AWS. */
export const consistencySeconds = 120;

export abstract class AwsKind<Remote> extends ManagedKind<Remote> {
  protected override readonly named: boolean = false;
  /** Values of inputs that are not given. */
  protected readonly defaults: Properties = {};
  /** Inputs that keep their value when the program does not give them any more. */
  protected readonly sticky: ReadonlySet<string> = new Set();
  /** Inputs that hold a document in JSON. */
  protected readonly documents: readonly string[] = [];
  protected readonly taggable: boolean = true;
  /** Longest name. */
  protected readonly nameLength: number = 255;

  constructor(private readonly configured: () => Cloud) {
    super();
  }

  protected cloud(): Cloud {
    return this.configured();
  }

  protected ec2(operation: Operation): EC2 {
    return this.cloud().ec2(operation.signal);
  }

  protected elb(operation: Operation): ElasticLoadBalancingV2 {
    return this.cloud().elb(operation.signal);
  }

  protected iam(operation: Operation): IAM {
    return this.cloud().iam(operation.signal);
  }

  /** Outputs without tags and region. */
  protected abstract attributes(remote: Remote, inputs: Properties): Properties;
  /** Undefined: not known yet. */
  protected abstract tagsIn(remote: Remote): Tags | undefined;
  /** Makes the cloud's resource what the inputs say; it may be half-made. @param changed Inputs that differ from the state's; none at a creation. */
  protected abstract converge(
    deadline: Deadline,
    id: string,
    remote: Remote,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void>;

  /** Undefined: it can be used; otherwise what it is. @throws Error when it never will be. */
  protected pending(_remote: Remote, _id: string): string | undefined {
    return undefined;
  }

  protected isGone(error: unknown): boolean {
    return isNotFound(error);
  }

  /** What there is; undefined: nothing. */
  protected async found<Found>(look: () => Promise<Found | undefined>): Promise<Found | undefined> {
    try {
      return await look();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }

  protected allTags(inputs: Properties): Tags {
    return this.taggable ? { ...this.cloud().defaultTags, ...tagsOf(inputs["tags"]) } : {};
  }

  /** For the creation of resources of EC2. */
  protected tagSpecifications(
    type: ResourceType,
    inputs: Properties,
  ): { ResourceType: ResourceType; Tags: { Key: string; Value: string }[] }[] | undefined {
    const tags = toApiTags(this.allTags(inputs));
    return tags.length === 0 ? undefined : [{ ResourceType: type, Tags: tags }];
  }

  /** Makes tags of a resource of EC2 what they should be. */
  protected async retag(operation: Operation, id: string, before: Tags, after: Tags): Promise<void> {
    const changes = tagChanges(before, after);
    if (!hasChanges(changes)) return;
    if (changes.remove.length > 0)
      await this.ec2(operation).deleteTags({ Resources: [id], Tags: changes.remove.map((Key) => ({ Key })) });
    if (Object.keys(changes.set).length > 0)
      await this.ec2(operation).createTags({ Resources: [id], Tags: toApiTags(changes.set) });
  }

  /** The name of a creation: as given, or made from the prefix. */
  protected nameFor(inputs: Properties): string {
    const given = text(inputs[this.nameProperty]);
    if (given !== undefined) return given;
    return `${text(inputs[`${this.nameProperty}Prefix`]) ?? ""}${randomBytes(13).toString("hex")}`.slice(
      0,
      this.nameLength,
    );
  }

  protected override nameOf(operation: CheckOperation): string {
    return super.nameOf({ ...operation, name: operation.name.slice(0, this.nameLength - 8) });
  }

  override check(operation: CheckOperation, given: Properties): { inputs: Properties; failures: readonly Failure[] } {
    const { inputs, failures } = super.check(operation, given);
    const plain = Object.fromEntries(
      Object.entries(inputs).map(([key, value]): [string, Value] => [
        key,
        this.documents.includes(key) ? documentText(value) : value,
      ]),
    );
    return { inputs: plain, failures: [...failures, ...this.unsupported(given), ...this.wrongDocuments(plain)] };
  }

  /** What the SDK declares and the stand-in has not would be ignored, which is worse than refused. */
  private unsupported(given: Properties): Failure[] {
    const known = new Set([...this.inputs, "tags", "region", "namePrefix", `${this.nameProperty}Prefix`]);
    const failures = Object.keys(given)
      .filter((name) => !name.startsWith("__") && isGiven(given[name]) && !known.has(name))
      .map((name) => ({
        property: name,
        reason: `${name}: the lab's stand-in for the plugin "aws" does not support it for a ${this.title}; take it away, or install the official plugin`,
      }));
    const region = text(given["region"]);
    if (region !== undefined && region !== this.cloud().region) {
      failures.push({
        property: "region",
        reason: `region: got "${region}", the stand-in makes resources in the provider's own region "${this.cloud().region}" only; use a provider of that region`,
      });
    }
    return failures;
  }

  private wrongDocuments(inputs: Properties): Failure[] {
    return this.documents.flatMap((name) => {
      const value = inputs[name];
      if (typeof value !== "string") return [];
      try {
        JSON.parse(value);
        return [];
      } catch (error) {
        return [
          { property: name, reason: `${name} is no JSON (${error instanceof Error ? error.message : String(error)})` },
        ];
      }
    });
  }

  override diff(state: State, inputs: Properties): Difference {
    const difference = super.diff(state, inputs);
    const all = state.outputs["tagsAll"];
    const tagsChange = difference.changes.some(({ path }) => path.startsWith("tags"));
    if (
      !this.taggable ||
      !isObject(all) ||
      tagsChange ||
      isUnknown(inputs["tags"]) ||
      !hasChanges(tagChanges(tagsOf(all), this.allTags(inputs)))
    )
      return difference;
    return { ...difference, changes: [...difference.changes, { path: "tagsAll", kind: "update", replace: false }] };
  }

  protected override same(property: string, before: Value | undefined, after: Value | undefined): boolean {
    if (property === "region") return true;
    if (!isGiven(after) && this.sticky.has(property)) return true;
    if (this.documents.includes(property)) return sameJson(before, after);
    const otherwise = this.defaults[property];
    return sameSets(before ?? otherwise, after ?? otherwise);
  }

  protected override complete(inputs: Properties): Properties {
    const given = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
    const all: Properties = this.taggable
      ? { tagsAll: isUnknown(inputs["tags"]) ? UNKNOWN : { ...this.cloud().defaultTags, ...tagsOf(inputs["tags"]) } }
      : {};
    return { ...this.defaults, ...given, region: this.cloud().region, ...all };
  }

  protected outputs(remote: Remote, inputs: Properties): Properties {
    const visible = Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__")));
    const own: Properties = {
      ...this.defaults,
      ...visible,
      ...this.attributes(remote, inputs),
      region: this.cloud().region,
    };
    if (!this.taggable) return own;
    const all = this.tagsIn(remote) ?? this.allTags(inputs);
    return { ...own, tags: ownTags(all, this.cloud().defaultTags, tagsOf(inputs["tags"])), tagsAll: all };
  }

  /** Another hand's tags are drift, unlike additions elsewhere: the API adds none of its own. */
  protected override drift(name: string, asked: Value, actual: Value | undefined): Value {
    if (name === "tags" && actual !== undefined) return sameSets(asked, actual) ? asked : actual;
    const now = super.drift(name, asked, actual);
    // Of an object, only what was asked for can have drifted.
    return isObject(asked) && isObject(now)
      ? Object.fromEntries(
          Object.entries(asked).map(([key, value]): [string, Value] => [key, key in now ? (now[key] ?? null) : value]),
        )
      : now;
  }

  override async read(operation: Operation, state: State): Promise<State | undefined> {
    const found = await super.read(operation, state);
    if (found === undefined || Object.keys(state.inputs).length === 0) return found;
    // What was left to its default and is something else now, is drift too.
    const moved = [...Object.keys(this.defaults), ...(this.taggable ? ["tags"] : [])].filter((name) => {
      const actual = found.outputs[name];
      return (
        !isGiven(state.inputs[name]) &&
        isGiven(actual) &&
        !this.same(name, actual, undefined) &&
        !(isObject(actual) && Object.keys(actual).length === 0)
      );
    });
    return {
      ...found,
      inputs: {
        ...found.inputs,
        ...Object.fromEntries(moved.map((name): [string, Value] => [name, found.outputs[name] ?? null])),
      },
    };
  }

  protected override async ready(deadline: Deadline, id: string, remote: Remote, inputs: Properties): Promise<Remote> {
    const outputs = this.outputs(remote, inputs);
    return deadline.until(`${this.title} ${id} to be usable`, async (seen) => {
      const now = await this.look(deadline.operation, id, outputs);
      const state = now === undefined ? "not there yet" : this.pending(now, id);
      if (state !== undefined) seen(state);
      return state === undefined ? now : undefined;
    });
  }

  protected override async finish(deadline: Deadline, id: string, made: Remote, inputs: Properties): Promise<Remote> {
    const remote = await this.ready(deadline, id, made, inputs);
    await this.converge(deadline, id, remote, inputs, new Set());
    return this.ready(deadline, id, made, inputs);
  }

  protected async change(
    deadline: Deadline,
    state: State,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    await this.converge(
      deadline,
      state.id,
      await this.get(deadline.operation, state.id, state.outputs),
      inputs,
      changed,
    );
  }

  /** Tries again while something that is on its way out still uses it. */
  protected async whenFree(deadline: Deadline, id: string, work: () => Promise<unknown>): Promise<void> {
    await deadline.until(`${this.title} ${id} to be free`, async (seen) => {
      try {
        await work();
        return true;
      } catch (error) {
        if (!isInUse(error)) throw error;
        seen(error.text);
        return undefined;
      }
    });
  }

  /** Tries again while what was just made is not known everywhere. @param isEarly Whether an error says so. */
  protected async whenKnown<Result>(
    deadline: Deadline,
    what: string,
    isEarly: (error: unknown) => boolean,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const end = Date.now() + consistencySeconds * 1000;
    const { result } = await deadline.until(what, async (seen) => {
      try {
        return { result: await work() };
      } catch (error) {
        if (!isEarly(error) || Date.now() > end) throw error;
        seen(error instanceof Error ? error.message : String(error));
        return undefined;
      }
    });
    return result;
  }
}

/** The SDK takes documents as text and as objects. */
function documentText(value: Value): Value {
  if (!isObject(value)) return value;
  return isUnknown(value) ? UNKNOWN : JSON.stringify(value);
}
