import type { PlacementView } from '../../../api/cloud/placement.ts';
import { cell, type Output } from '../../output/output.ts';
import { plain, plural, valueText } from '../../output/text.ts';

type FilterRow = PlacementView['filters'][number];

/** What each filter removed, with examples; those that removed nothing are one line, or rows too in wide form. */
export function printFilters(out: Output, filters: readonly FilterRow[]): void {
  if (filters.length === 0) return;
  out.line();
  const shown = out.format === 'wide' ? filters : filters.filter(row => row.removed > 0);
  const columns = [
    { head: 'FILTER', cell: (row: FilterRow) => cell(row.name) },
    { head: 'BEFORE', right: true, cell: (row: FilterRow) => row.before.toLocaleString('en') },
    { head: 'REMOVED', right: true, cell: removed(out) },
    { head: 'AFTER', right: true, cell: (row: FilterRow) => row.after.toLocaleString('en') },
    {
      head: 'FOR EXAMPLE',
      cell: (row: FilterRow) =>
        row.examples
          .slice(0, out.format === 'wide' ? 9 : 1)
          .map(exampleText)
          .join('; '),
    },
  ];
  if (shown.length > 0) for (const line of out.table(shown, columns)) out.line(line);
  const idle = filters.length - shown.length;
  const first = filters[0]?.before ?? 0;
  if (shown.length === 0)
    out.line(`none of the ${idle} filters removed any of ${plural(first, 'host')}; -o wide lists them`);
  else if (idle > 0) out.line(`the other ${plural(idle, 'filter')} removed none; -o wide lists them`);
}

const removed = (out: Output) => (row: FilterRow) =>
  row.removed === 0 ? '0' : out.style('yellow', row.removed.toLocaleString('en'));

function exampleText(example: unknown): string {
  if (typeof example !== 'object' || example === null || !('host' in example)) return valueText(example, 80);
  return 'reason' in example
    ? `${plain(String(example.host))}: ${plain(String(example.reason))}`
    : plain(String(example.host));
}

interface Candidate {
  readonly host: string;
  readonly score: number;
  readonly parts?: Readonly<Record<string, number>>;
}

/** The best hosts with the parts of their scores; `winner` is marked. */
export function printCandidates(out: Output, candidates: readonly Candidate[], winner: string | null): void {
  if (candidates.length === 0) return;
  const parts = Object.keys(candidates[0]?.parts ?? {});
  out.line();
  const columns = [
    { head: 'CANDIDATE', cell: (row: Candidate) => cell(row.host) },
    { head: 'SCORE', right: true, cell: (row: Candidate) => row.score.toFixed(3) },
    ...parts.map(name => ({
      head: name.toUpperCase(),
      right: true,
      cell: (row: Candidate) => (row.parts?.[name] ?? 0).toFixed(3),
    })),
    { head: '', cell: (row: Candidate) => (row.host === winner ? out.style('green', '← won') : '') },
  ];
  for (const line of out.table(candidates, columns)) out.line(line);
}
