import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { barChart } from '../../peers/harness/chart.ts';
import { cells } from '../../report/table.ts';
import type { Row } from '../../row.ts';
import { BY_SIZE } from '../memory/select.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const BEGIN = '<!-- placement: written by npm run bench:placement -- --write -->';
const END = '<!-- end of placement -->';

/** What all bars have in common, and the room that the rest of the longest name takes. */
const WHAT = /hosts chosen and claimed(?:,| by) |candidates and claim, /;
const LEFT = 350;

interface Run {
  /** The machine. */
  readonly where: string;
  /** Version of OpenStack Placement; null when it was not measured. */
  readonly peer: string | null;
  readonly day: string;
}

/** Puts the table into docs/performance.md, between its markers, and the chart beside it; the text around is written by hand. */
export function writePage(rows: readonly Row[], run: Run): void {
  const page = join(DOCS, 'performance.md');
  const [before, rest] = readFileSync(page, 'utf8').split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${page} has lost its markers of placement`);
  writeFileSync(page, `${before}${BEGIN}\n\n${section(rows, run)}\n\n${END}${after}`);
  writeFileSync(join(DOCS, 'performance-placement.svg'), chartOf(rows));
  writeFileSync(join(DOCS, 'performance-placement-size.svg'), sizeChartOf(rows));
}

/** The figures, as Markdown. */
export function section(rows: readonly Row[], { where, peer, day }: Run): string {
  const [head, ...lines] = cells(rows).map(line => `| ${line.join(' | ')} |`);
  const rule = `|${' --- |'.repeat(cells([])[0]?.length ?? 0)}`;
  const beside = peer === null ? 'OpenStack Placement was not there' : `OpenStack Placement ${peer}`;
  return [
    '![Hosts chosen and claimed in a second](performance-placement.svg)',
    '',
    '![Time to choose a host, by number of hosts](performance-placement-size.svg)',
    '',
    `Measured on ${day}: ${where}; ${beside}.`,
    '',
    head,
    rule,
    ...lines,
  ].join('\n');
}

/** Everything that is told as claims in a second. */
export function chartOf(rows: readonly Row[]): string {
  const bars = rows
    .filter(({ unit, name }) => unit === 'claims/s' && !name.endsWith(', by itself'))
    .map(({ name, value }) => ({
      label: name.replace(WHAT, ''),
      value,
      ours: !name.startsWith('OpenStack'),
    }));
  return barChart('Hosts chosen and claimed in a second', 'claims/s', bars, LEFT);
}

/** What a choice takes in memory beside the scan, by number of hosts. */
export function sizeChartOf(rows: readonly Row[]): string {
  const bars = rows
    .filter(({ name }) => name.startsWith(BY_SIZE))
    .flatMap(({ name, value, referenceValue }) => {
      const size = name.slice(BY_SIZE.length);
      return [
        { label: `${size}, Coax`, value, ours: true },
        { label: `${size}, linear scan`, value: referenceValue ?? Number.NaN, ours: false },
      ];
    });
  return barChart('Time to choose a host in memory, all filters on, half of all choices at most', 'µs', bars);
}
