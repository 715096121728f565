/** The known name that a mistyped one was most likely meant to be, or null when none is near. */
export function nearest(name: string, known: Iterable<string>): string | null {
  if (name.length > 128) return null;
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const d = distance(wanted, candidate.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best;
}

/** Appendix to a reason: `; did you mean "cpu"?`, or what is known when nothing is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== null) return `; did you mean "${near}"?`;
  if (known.length === 0) return '';
  const some = known.slice(0, 12).join(', ');
  return `; known: ${some}${known.length > 12 ? ', …' : ''}`;
}

/** Begin of a hint: "did you mean `cpu`? ", or nothing when nothing is near. */
export function meantHint(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === null ? '' : `did you mean \`${near}\`? `;
}

/** Edits (insert, delete, replace, swap neighbours) from one text to the other: optimal string alignment. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(row[j - 1]! + 1, above[j]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d = Math.min(d, before[j - 2]! + 1);
      row.push(d);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}
