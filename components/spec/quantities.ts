/** Kubernetes' quantities. Pure. */
import type { ComponentResources } from "./cluster.js";

/** CPUs as Kubernetes writes them: `500m`. */
export function milliCpus(cpus: number): number {
  return Math.round(cpus * 1000);
}

/** Requests of a container; with `limited`, its memory is also the limit. */
export function quantities(
  { cpus, memory }: ComponentResources,
  limited = false,
): { requests: Record<string, string>; limits?: Record<string, string> } {
  const amount = `${memory}Mi`;
  return {
    requests: { cpu: `${milliCpus(cpus)}m`, memory: amount },
    ...(limited ? { limits: { memory: amount } } : {}),
  };
}
