import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { barChart } from './chart.ts';
import { type Measured, medianOf, plain } from './rows.ts';
import { versions } from './versions.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const BEGIN = '<!-- peers: written by npm run bench:peers -- --write -->';
const END = '<!-- end of the peers -->';
const HEAD = ['system', 'steps/s', 'CPU s for 1,000 flows', 'one flow at idle, p50', 'p99'];

/**
 * Writes the section about the others into docs/performance.md, between its markers or at the end where there are none yet,
 * and the chart beside it.
 */
export function writePage(measured: readonly Measured[], where: string, day: string): void {
  const page = join(DOCS, 'performance.md');
  const text = readFileSync(page, 'utf8');
  const [before = '', rest] = text.split(BEGIN);
  const after = rest?.split(END)[1] ?? '\n';
  const written = `${BEGIN}\n\n${section(measured, where, day)}\n\n${END}${after}`;
  writeFileSync(page, `${before.trimEnd()}\n\n${written}`);
  const bars = measured.map(({ peer, rounds }) => ({
    label: plain(peer.title),
    value: medianOf(rounds, 'stepsPerSecond'),
    ours: peer.name.startsWith('coax-'),
  }));
  const chart = barChart('Durable steps a second, four steps a flow', 'steps/s', bars);
  writeFileSync(join(DOCS, 'performance-peers.svg'), chart);
}

/** The section, as Markdown. */
export function section(measured: readonly Measured[], where: string, day: string): string {
  const ours = measured.filter(({ peer }) => peer.name.startsWith('coax-'));
  const head = [...HEAD, ...ours.map(({ peer }) => `${peer.title}, times its steps/s`)];
  const lines = measured.map(one => [
    one.peer.title,
    figure(medianOf(one.rounds, 'stepsPerSecond')),
    figure(medianOf(one.rounds, 'cpuPerThousandFlows')),
    `${figure(medianOf(one.rounds, 'idleP50Ms'))} ms`,
    `${figure(medianOf(one.rounds, 'idleP99Ms'))} ms`,
    ...ours.map(other => (other.peer.name === one.peer.name ? '' : figure(medianRatio(other, one)))),
  ]);
  return [
    '## Beside other systems',
    '',
    '`npm run bench:peers`: the same work on each in one run: flows of four steps that do nothing, each step durable before',
    'the next one begins, what the steps found kept with the flow. Three rounds, each of all systems, every other one in the',
    'opposite order; each round on new data; told are the medians, and of the ratios the median of the rounds’ ratios.',
    '',
    '![Durable steps a second of each system](performance-peers.svg)',
    '',
    `Measured on ${day}: ${where}; ${versions().join(', ')}.`,
    '',
    row(head),
    `|${' --- |'.repeat(head.length)}`,
    ...lines.map(row),
    '',
    'How each is set up, after its own documentation, and where its time goes:',
    '',
    ...measured.map(({ peer }) => `- **${peer.title}**: ${peer.setUp}. ${sentence(peer.reason)}`),
    '',
    'What is the same for all:',
    '',
    '- Each has as many worker processes as were fastest here beside its server, and as many flows at once: a second worker of',
    '  BullMQ, DBOS or graphile-worker took the server’s core and was slower. TaskFlow on PostgreSQL has one for each of two',
    '  cores, and Coax one.',
    '- Durability is the stock one: PostgreSQL as `initdb` sets it up (`fsync` and `synchronous_commit` on), Restate’s log and',
    '  SQLite’s synced. Only Redis with `everysec` is not durable after each step: it is here because BullMQ’s',
    '  documentation advises it.',
    '- The flows are in the queue before work begins, and the time runs from there until the store has the last one complete;',
    '  Restate and TaskFlow have no queue that waits: theirs are accepted as they are worked on. After each round the',
    '  system’s own store is asked whether all flows are complete, with all four steps; a round with one missing is an error.',
    '- CPU is user and system time of all processes of the system: adapter, workers, server and whatever they start, from the',
    '  first submission until the work is done, from `/proc/PID/stat`.',
    '- At idle one flow is submitted at a time, from the call until the submitter knows that it is complete.',
  ].join('\n');
}

function medianRatio(one: Measured, other: Measured): number {
  const ratios = one.rounds.map(
    (figures, round) => figures.stepsPerSecond / (other.rounds[round]?.stepsPerSecond ?? Number.NaN),
  );
  return ratios.sort((a, b) => a - b)[Math.floor((ratios.length - 1) / 2)] ?? Number.NaN;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(value < 10 ? 2 : 3)));
}
