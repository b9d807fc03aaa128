/** Suggestions for mistyped names. Pure. */

/** The most similar name; undefined when none is similar. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  // A longer or shorter form counts as similar: memory and mem.
  const form = (candidate: string): boolean =>
    candidate.length > 2 && name.length > 2 && (name.startsWith(candidate) || candidate.startsWith(name));
  const ranked = names
    .map((candidate) => ({ candidate, distance: form(candidate) ? 1 : distance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, Math.floor(name.length * 0.4)) ? best.candidate : undefined;
}

/** Characters to insert, remove or exchange (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
