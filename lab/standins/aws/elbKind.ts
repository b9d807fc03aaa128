/** What load balancers, target groups and listeners have in common: tags and attributes by ARN. */
import type { Operation, Properties } from "../framework/kind.js";
import { AwsKind } from "./awsKind.js";
import { fromApiTags, hasChanges, tagChanges, type Tags, toApiTags } from "./tags.js";

/** An attribute of the API's for an input; its value is always text there. */
export interface Attribute {
  readonly input: string;
  readonly key: string;
  readonly is: "boolean" | "number" | "string";
}

export interface Described<Api> {
  readonly api: Api;
  readonly tags?: Tags | undefined;
  readonly attributes?: Readonly<Record<string, string>>;
}

export abstract class ElbKind<Api> extends AwsKind<Described<Api>> {
  protected tagsIn({ tags }: Described<Api>): Tags | undefined {
    return tags;
  }

  protected async tagsAt(operation: Operation, arn: string): Promise<Tags> {
    const { TagDescriptions } = await this.elb(operation).describeTags({ ResourceArns: [arn] });
    return fromApiTags(TagDescriptions?.find(({ ResourceArn }) => ResourceArn === arn)?.Tags);
  }

  protected async retagArn(operation: Operation, arn: string, before: Tags, after: Tags): Promise<void> {
    const changes = tagChanges(before, after);
    if (!hasChanges(changes)) return;
    if (changes.remove.length > 0)
      await this.elb(operation).removeTags({ ResourceArns: [arn], TagKeys: [...changes.remove] });
    if (Object.keys(changes.set).length > 0)
      await this.elb(operation).addTags({ ResourceArns: [arn], Tags: toApiTags(changes.set) });
  }

  /** Attributes as outputs. */
  protected attributeOutputs(
    known: readonly Attribute[],
    values: Readonly<Record<string, string>> | undefined,
  ): Properties {
    if (values === undefined) return {};
    return Object.fromEntries(
      known
        .filter(({ key }) => values[key] !== undefined)
        .map(({ input, key, is }) => [
          input,
          is === "boolean" ? values[key] === "true" : is === "number" ? Number(values[key]) : (values[key] ?? null),
        ]),
    );
  }

  /** Those of the given inputs, or of their defaults, that the cloud has otherwise. */
  protected attributeChanges(
    known: readonly Attribute[],
    values: Readonly<Record<string, string>>,
    inputs: Properties,
  ): { Key: string; Value: string }[] {
    return known.flatMap(({ input, key }) => {
      const wanted = inputs[input] ?? this.defaults[input] ?? null;
      if (wanted === null || String(wanted) === values[key]) return [];
      // What this cloud does not know and what nobody asked for is left alone.
      if (values[key] === undefined && (inputs[input] ?? null) === null) return [];
      return [{ Key: key, Value: String(wanted) }];
    });
  }
}

export function attributeMap(
  attributes: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((attributes ?? []).map(({ Key, Value }) => [String(Key), Value ?? ""]));
}

export function tagList(tags: Tags): { Key: string; Value: string }[] | undefined {
  const list = toApiTags(tags);
  return list.length === 0 ? undefined : list;
}
