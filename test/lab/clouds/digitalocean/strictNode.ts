/**
 * A reader for the client that is generated from the public description: it follows the client's own tables of fields, and
 * notes every field that the description does not know, every one that an answer leaves out, and every value of another type.
 */

type Fields = Record<string, (node: StrictNode) => void>;
type Factory = (node: StrictNode) => (model: object) => Fields;

/** Fields by model: those that an answer may leave out, or may have although the client does not know them. */
export type Optional = Readonly<Record<string, readonly string[]>>;

export class StrictNode {
  onBeforeAssignFieldValues = undefined;
  onAfterAssignFieldValues = undefined;

  constructor(
    private readonly value: unknown,
    private readonly path: string,
    private readonly problems: string[],
    private readonly optional: Optional,
    private readonly extra: Optional,
  ) {}

  getStringValue = (): string | undefined => this.typed("string");
  getNumberValue = (): number | undefined => this.typed("number");
  getBooleanValue = (): boolean | undefined => this.typed("boolean");

  getGuidValue = (): string | undefined => this.matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a UUID");

  getDateValue = (): Date | undefined => {
    const text = this.matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, "a time");
    return text === undefined ? undefined : new Date(text);
  };

  getEnumValue = (values: Record<string, string>): string | undefined => {
    const text = this.getStringValue();
    if (text !== undefined && !Object.values(values).includes(text)) {
      this.problem(`is "${text}", not one of ${Object.values(values).join(", ")}`);
    }
    return text;
  };

  getChildNode = (name: string): StrictNode | undefined => {
    const value =
      typeof this.value === "object" && this.value !== null ? (this.value as Record<string, unknown>)[name] : undefined;
    return value === undefined ? undefined : this.child(value, name);
  };

  /** The client does not say of which type; text, numbers and booleans are all it knows. */
  getCollectionOfPrimitiveValues = (): unknown[] | undefined => {
    const items = this.items();
    for (const item of items ?? [])
      if (item === null || typeof item === "object") this.problem("holds something that is no plain value");
    return items;
  };

  getCollectionOfEnumValues = (): unknown[] => this.items() ?? [];

  getCollectionOfObjectValues = (factory: Factory): object[] | undefined =>
    this.items()?.map((item, index) => this.child(item, String(index)).getObjectValue(factory));

  getObjectValue = (factory: Factory): object => {
    const model = {};
    if (this.value === null) return model;
    if (typeof this.value !== "object" || Array.isArray(this.value)) {
      this.problem("is no object");
      return model;
    }
    const name = /^create(.*)FromDiscriminatorValue$/.exec(factory.name)?.[1] ?? "";
    const fields = factory(this)(model);
    for (const [key, value] of Object.entries(this.value)) {
      const assign = fields[key];
      if (assign) assign(this.child(value, key));
      else if (!this.extra[name]?.includes(key)) this.problem(`has the unknown field ${key} (${name})`);
    }
    for (const key of Object.keys(fields)) {
      if (!(key in this.value) && !this.optional[name]?.includes(key)) this.problem(`has no field ${key} (${name})`);
    }
    return model;
  };

  private child(value: unknown, name: string): StrictNode {
    return new StrictNode(value, `${this.path}.${name}`, this.problems, this.optional, this.extra);
  }

  private items(): unknown[] | undefined {
    if (this.value === null) return undefined;
    if (Array.isArray(this.value)) return this.value as unknown[];
    this.problem("is no list");
    return undefined;
  }

  private typed<T extends string | number | boolean>(type: "string" | "number" | "boolean"): T | undefined {
    if (this.value === null) return undefined;
    if (typeof this.value === type) return this.value as T;
    this.problem(`is ${JSON.stringify(this.value)}, not a ${type}`);
    return undefined;
  }

  private matching(pattern: RegExp, kind: string): string | undefined {
    const text = this.typed<string>("string");
    if (text !== undefined && !pattern.test(text)) this.problem(`is "${text}", not ${kind}`);
    return text;
  }

  private problem(text: string): void {
    this.problems.push(`${this.path} ${text}`);
  }
}
