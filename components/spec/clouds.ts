/**
 * What clouds add to settings and to the description of a cluster.
 *
 * Each cloud declares its own part in its own folder (`declare module`), so that nothing here names a cloud. A cloud without options declares
 * an empty part of the description.
 */

/** A cloud's own option, by the cloud's name: the value of the setting of that name. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- clouds declare the members
export interface CloudOptions {}

/** A cloud's part of the description, by the cloud's name. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- clouds declare the members
export interface CloudSpecs {}

export type CloudName = keyof CloudSpecs;

/** The part of the cluster's own cloud; `cloud` tells which one it is. */
export type CloudSpec = { [Name in CloudName]: { readonly cloud: Name } & CloudSpecs[Name] }[CloudName];
