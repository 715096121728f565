import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from '../machine.ts';
import type { Row } from '../row.ts';
import { cells } from './table.ts';

const PAGE = join(import.meta.dirname, '../../docs/performance.md');
const END = '<!-- end of the figures -->';

/**
 * Puts the figures into docs/performance.md, or another page, between the markers of that command; the reasons around them are written by hand.
 */
export function writePage(
  rows: readonly Row[],
  where: string,
  day: string,
  command = 'bench',
  page = PAGE,
): void {
  const text = readFileSync(page, 'utf8');
  const begin = `<!-- figures: written by npm run ${command} -- --write -->`;
  const [before, rest] = text.split(begin);
  const after = rest?.slice(rest.indexOf(END) + END.length);
  if (before === undefined || !rest?.includes(END) || after === undefined)
    throw new Error(`${page} has lost its markers`);
  const [head, ...lines] = cells(rows).map(line => `| ${line.join(' | ')} |`);
  const rule = `|${' --- |'.repeat(cells([])[0]?.length ?? 0)}`;
  const figures = [`Measured on ${day}: ${where}.`, '', head, rule, ...lines].join('\n');
  writeFileSync(page, `${before}${begin}\n\n${figures}\n\n${END}${after}`);
}

// node bench/report/write-page.ts FILE: from a result of this machine.
if (import.meta.main) {
  const rows = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Row[];
  writePage(rows, machine(), new Date().toISOString().slice(0, 10));
}
