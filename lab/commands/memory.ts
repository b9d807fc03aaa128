/** Memory that a phase takes, sampled from /proc while it runs. */
import { readFileSync } from "node:fs";

/** Memory in use on this machine, MB. */
export function usedMemory(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const value = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return Math.round((value("MemTotal") - value("MemAvailable")) / 1024);
}

/** Follows the memory in use once a second; `stop` returns the highest value seen, MB. */
export function watchMemory(): { stop(): number } {
  let peak = usedMemory();
  const timer = setInterval(() => {
    peak = Math.max(peak, usedMemory());
  }, 1000);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      return Math.max(peak, usedMemory());
    },
  };
}
