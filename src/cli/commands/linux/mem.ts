import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type MemoryOfMapping, type MemoryUse, memoryUse } from '../../../linux/memory/memory-use.ts';
import type { Repeat } from '../../../linux/memory/repeats.ts';
import { type MemorySearch, searchMemory } from '../../../linux/memory/search-memory.ts';
import type { Context } from '../../context.ts';
import { progressLine } from '../../live/progress-line.ts';
import { bytesText } from '../../output/bytes.ts';
import { cell } from '../../output/output.ts';
import { truncate } from '../../output/text.ts';
import { defineVerb, lengthOfTime, wholeNumber } from '../../verb.ts';
import { told } from './linux-fault.ts';

interface MemFlags {
  readonly for?: number;
  readonly top: number;
  readonly files?: boolean;
  readonly mapsOnly?: boolean;
}

interface MemAnswer {
  readonly pid: number;
  readonly command: string;
  readonly total: MemoryUse['total'];
  readonly mappings: readonly GrownMapping[];
  /** Seconds over which growth was watched; null without. */
  readonly watchedSeconds: number | null;
  readonly repeated: readonly Repeat[] | null;
  readonly searchedBytes: number | null;
}

interface GrownMapping extends MemoryOfMapping {
  /** What its share of memory and swap grew by meanwhile; null when that was not watched. */
  readonly grownBytes: number | null;
}

const LINE_MS = 5000;
const SAMPLE_COLUMNS = 100;

/** Where the memory of a process goes, and what is in it many times. */
export const verb = defineVerb<MemFlags>({
  examples: [
    ['coax mem 4242', 'its memory by mapping, and what it holds many times'],
    ['coax mem 4242 --for 1m', 'and which mapping grows'],
    ['coax mem $(pgrep -o libvirtd) -o json', 'for a program: repeated: [{count, bytes, mapping, sample}]'],
  ],
  details: [
    'PSS divides each page by how many processes share it, so that the sum over all processes is what is really used. What a process holds many times is found by reading its memory: texts and other content in blocks that begin at a multiple of four bytes, as memory from an allocator does; documents that differ only in parts, such as an id, count as one.',
    'The process runs on and nothing is written to it. Pages that are not in memory are left out. Reading the memory of a process takes the right to trace it: root, or its owner.',
  ],
  args: [{ name: '<pid>', about: 'Number of the process' }],
  options: [
    { flags: '--for <time>', about: 'Watch so long which mappings grow', parse: lengthOfTime },
    { flags: '--top <n>', about: 'Lines of each table at most', default: 10, parse: wholeNumber(1) },
    { flags: '--files', about: "Search files' pages, too, that the process has not changed" },
    { flags: '--maps-only', about: 'By mapping alone: memory is not read' },
  ],
  async run(context, [pidText = ''], flags) {
    const pid = pidOf(pidText);
    const answer = await told(`process ${pid}`, () => look(context, pid, flags));
    await context.out.object(answer, String(pid), () => show(context, answer, flags.top));
    return 0;
  },
});

function pidOf(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new CoaxError('COAX_USAGE', `expected the number of a process, not ${JSON.stringify(text)}`, {
    where: '<pid>',
    hint: '`pgrep NAME` finds it.',
  });
}

async function look(context: Context, pid: number, flags: MemFlags): Promise<MemAnswer> {
  const line = progressLine(context, { lineMs: LINE_MS, dated: false });
  try {
    const before = flags.for === undefined ? null : memoryUse(pid);
    if (flags.for !== undefined) await watch(flags.for, text => line.show(text));
    const now = memoryUse(pid);
    const search = flags.mapsOnly
      ? null
      : await searchMemory(pid, {
          limit: flags.top,
          files: flags.files ?? false,
          onProgress: (done, all) => line.show(`${bytesText(done)} of ${bytesText(all)} searched`),
        });
    return answerOf(now, before, flags.for ?? null, search);
  } finally {
    line.close();
  }
}

async function watch(forMs: number, show: (text: string) => void): Promise<void> {
  for (let left = forMs; left > 0; left -= 1000) {
    show(`watching for ${Math.ceil(left / 1000)} s more`);
    await sleep(Math.min(left, 1000));
  }
}

function answerOf(
  now: MemoryUse,
  before: MemoryUse | null,
  forMs: number | null,
  search: MemorySearch | null,
): MemAnswer {
  const held = ({ pssBytes, swapBytes }: MemoryOfMapping): number => pssBytes + swapBytes;
  const was = new Map(before?.mappings.map(of => [of.mapping, held(of)]));
  const grown = (of: MemoryOfMapping): number | null =>
    before === null ? null : held(of) - (was.get(of.mapping) ?? 0);
  const mappings = now.mappings.map(of => ({ ...of, grownBytes: grown(of) }));
  return {
    ...now,
    mappings:
      before === null ? mappings : mappings.toSorted((one, other) => other.grownBytes! - one.grownBytes!),
    watchedSeconds: forMs === null ? null : forMs / 1000,
    repeated: search?.repeated ?? null,
    searchedBytes: search?.searchedBytes ?? null,
  };
}

function show({ out }: Context, answer: MemAnswer, top: number): void {
  const { pid, command, total, mappings, watchedSeconds, repeated } = answer;
  out.fields([
    ['process', `${pid} (${cell(command)})`],
    ['in memory', `${bytesText(total.rssBytes)}, its share ${bytesText(total.pssBytes)}`],
    ['swapped out', total.swapBytes === 0 ? '' : bytesText(total.swapBytes)],
  ]);
  out.line();
  const grown = {
    head: `IN ${watchedSeconds} S`,
    right: true,
    cell: (of: GrownMapping) => signed(of.grownBytes ?? 0),
  };
  const columns = [
    { head: 'MAPPING', cell: (of: GrownMapping) => cell(of.mapping) },
    ...(watchedSeconds === null ? [] : [grown]),
    { head: 'PSS', right: true, cell: (of: GrownMapping) => bytesText(of.pssBytes) },
    { head: 'RSS', right: true, cell: (of: GrownMapping) => bytesText(of.rssBytes) },
    { head: 'ANON', right: true, cell: (of: GrownMapping) => bytesText(of.anonymousBytes) },
    { head: 'SWAP', right: true, cell: (of: GrownMapping) => bytesText(of.swapBytes) },
    { head: 'SIZE', right: true, cell: (of: GrownMapping) => bytesText(of.sizeBytes) },
    { head: 'MAPS', right: true, wide: true, cell: (of: GrownMapping) => cell(of.count) },
  ];
  const used = mappings.filter(
    ({ rssBytes, swapBytes, grownBytes }) => rssBytes + swapBytes > 0 || grownBytes,
  );
  for (const line of out.table(used.slice(0, top), columns)) out.line(line);
  if (used.length > top) out.line(out.style('dim', `and ${used.length - top} more`));
  if (repeated === null) return;
  out.line();
  if (repeated.length === 0) {
    out.line('nothing is held more than once');
    return;
  }
  const found = [
    { head: 'COUNT', right: true, cell: (one: Repeat) => one.count.toLocaleString('en') },
    { head: 'BYTES', right: true, cell: (one: Repeat) => bytesText(one.bytes) },
    { head: 'IN', cell: (one: Repeat) => cell(one.mapping) },
    {
      head: 'HELD MANY TIMES',
      cell: (one: Repeat) => truncate(cell(one.sample.replace(/\s+/g, ' ')), SAMPLE_COLUMNS),
    },
  ];
  for (const line of out.table(repeated, found)) out.line(line);
}

const signed = (bytes: number): string => (bytes > 0 ? `+${bytesText(bytes)}` : bytesText(bytes));
