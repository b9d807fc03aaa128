/** The arguments of a resource's constructor, from the shape that the provider checks. */
import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";

type InputOf<Value> =
  Exclude<Value, undefined> extends Readonly<Record<string, infer Item>>
    ? pulumi.Input<Record<string, pulumi.Input<Item>>>
    : pulumi.Input<Value>;

/** The inputs of a shape, each of which may be an output of another resource. Those with a default may be left out. */
export type ArgsOf<Shape extends z.ZodRawShape> = {
  [Key in keyof z.input<z.ZodObject<Shape>>]: InputOf<z.input<z.ZodObject<Shape>>[Key]>;
};

/** Values that the provider sets for inputs that are not given. */
export const defaultsOf = (shape: Readonly<Record<string, z.ZodType>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(shape).flatMap(([name, schema]) => {
      const { success, data } = schema.safeParse(undefined);
      return success && data !== undefined ? [[name, data]] : [];
    }),
  );
