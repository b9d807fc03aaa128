/** What Nodes of workers get over the API: a kubelet may not give itself a role, and reads other labels at its first boot only. */
export interface NodeSettings {
  readonly labels: Readonly<Record<string, string>>;
  /** Key and effect, `key:effect`, to the value. */
  readonly taints: Readonly<Record<string, string>>;
}
