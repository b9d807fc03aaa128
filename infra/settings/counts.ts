/** Numbers that follow from settings. Pure. */
import type { Settings } from "../../components/spec/settings/index.js";

/** Machines of the control plane. */
export function memberCounts(
  settings: Pick<Settings, "high_availability"> & { readonly etcd: Pick<Settings["etcd"], "count"> },
): {
  readonly etcd: 1 | 3 | 5;
  readonly controllers: 1 | 3;
} {
  const usual = settings.high_availability ? 3 : 1;
  return { etcd: settings.etcd.count ?? usual, controllers: usual };
}

/** MB as whole GB, the unit of clouds, rounded up. */
export function gigabytes(megabytes: number): number {
  return Math.ceil(megabytes / 1024);
}
