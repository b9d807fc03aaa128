/** Memory use of this machine, sampled from /proc. */
import { readFileSync } from "node:fs";

/** Memory in use on this machine, MB. */
export function usedMemory(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const value = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return Math.round((value("MemTotal") - value("MemAvailable")) / 1024);
}

/** Samples the memory in use once a second; `stop` returns the peak, MB. */
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
