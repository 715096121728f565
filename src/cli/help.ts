import type { Command } from 'commander';
import { KINDS } from '../errors/codes.ts';
import { ENVIRONMENT } from './environment.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';
import { widthOf } from './output/text.ts';
import type { Verb } from './verb.ts';
import { GROUPS, NOUNS, VERBS } from './verbs.ts';

const ROOT_EXAMPLES: Verb['examples'] = [
  ['coax up --detach', 'start a server here'],
  ['coax run create_vm cpu=2 mem=4096 --wait', 'make a VM and look on'],
  ['coax log @', 'what happened to the newest message'],
  ['coax ls --status parked', 'what needs a person'],
];

type Row = readonly [name: string, about: string];

/** As wide as help is where there is room, and in the manual. */
const COLUMNS_MAX = 100;
const COLUMNS_MIN = 60;

/** Columns that help may take there. */
export function helpColumns(stdout: { readonly isTTY?: boolean; readonly columns?: number }): number {
  const columns = (stdout.isTTY && stdout.columns) || COLUMNS_MAX;
  return Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, columns));
}

/** The help of everything: examples come first. */
export function rootHelp(columns = COLUMNS_MAX): string {
  return sections(columns, [
    ['Examples', exampleRows(ROOT_EXAMPLES)],
    ['Usage', ['coax [options] VERB …']],
    ...GROUPS.map(group => [group.title, group.verbs.map(verb => [verb.path, verb.about] as const)] as const),
    ['Options', GLOBAL_OPTIONS.map(option => [option.flags, option.about] as const)],
    [
      'More',
      [
        ['coax VERB --help', 'examples and options of one verb'],
        ['coax help VERB', 'the same'],
        ...Object.entries(TOPICS).map(([topic, { about }]) => [`coax help ${topic}`, about] as const),
      ],
    ],
  ]);
}

/** The help of a noun: its verbs. */
export function nounHelp(noun: string, columns = COLUMNS_MAX): string {
  const verbs = VERBS.filter(verb => verb.path.startsWith(`${noun} `));
  return sections(columns, [
    ['Examples', verbs.slice(0, 2).map(verb => [`coax ${verb.path} --help`, `# ${verb.about}`] as const)],
    ['Usage', [`coax ${noun} VERB …`]],
    [NOUNS[noun] ?? noun, verbs.map(verb => [verb.path, verb.about] as const)],
  ]);
}

/** The help of one verb, of which commander knows the usage line. */
export function verbHelp(
  path: string,
  about: string,
  verb: Verb,
  usage: string,
  columns = COLUMNS_MAX,
): string {
  return sections(columns, [
    ['Examples', exampleRows(verb.examples)],
    ['Usage', [`coax ${path} ${usage}`.trimEnd()]],
    [null, [about, ...(verb.details ?? []).flatMap(text => ['', ...wrap(text, columns - 2)])]],
    ['Arguments', (verb.args ?? []).map(argument => [argument.name, withChoices(argument)] as const)],
    ['Options', (verb.options ?? []).map(option => [option.flags, withChoices(option)] as const)],
    ['Everywhere', GLOBAL_OPTIONS.map(option => [option.flags, option.about] as const)],
    ['Exit status', statusRows(verb)],
  ]);
}

export function usageOf(command: Command): string {
  return command
    .createHelp()
    .commandUsage(command)
    .replace(/^coax (\S+ )*?(?=\[options\]|<|\[|$)/, '');
}

function statusRows(verb: Verb): Row[] {
  if (!verb.statuses) return [];
  return verb.statuses.map(([status, about]) => [String(status), about] as const);
}

function withChoices(item: {
  about: string;
  choices?: readonly string[];
  default?: string | number;
}): string {
  const more = [
    ...(item.choices ? [`one of ${item.choices.join(', ')}`] : []),
    ...(item.default === undefined ? [] : [`default ${item.default}`]),
  ];
  return more.length === 0 ? item.about : `${item.about} (${more.join('; ')})`;
}

function exampleRows(examples: Verb['examples']): Row[] {
  return examples.map(([command, comment]) => [command, comment ? `# ${comment}` : ''] as const);
}

function sections(
  columns: number,
  parts: readonly (readonly [string | null, readonly (string | Row)[]])[],
): string {
  return parts
    .filter(([, rows]) => rows.length > 0)
    .map(([title, rows]) => {
      if (title === null) return rows.map(row => (typeof row === 'string' ? row : row.join('  '))).join('\n');
      const width = Math.min(
        Math.max(...rows.map(row => (typeof row === 'string' ? 0 : widthOf(row[0])))),
        title === 'Examples' ? 64 : 30,
      );
      // A command is never wrapped: what it does stands above it where both find no room beside each other.
      const place = title === 'Examples' && columns < COLUMNS_MAX ? exampleText : rowText;
      return `${title}:\n${rows.map(row => place(row, width, columns)).join('\n')}`;
    })
    .join('\n\n')
    .concat('\n');
}

function rowText(row: string | Row, width: number, columns: number): string {
  if (typeof row === 'string') return `  ${row}`;
  const [name, about] = row;
  const lines = wrap(about, Math.max(24, columns - 4 - width));
  const first = `  ${name}${' '.repeat(Math.max(0, width - widthOf(name)))}  ${lines[0] ?? ''}`.trimEnd();
  return [first, ...lines.slice(1).map(line => `${' '.repeat(width + 4)}${line}`)].join('\n');
}

function exampleText(row: string | Row): string {
  if (typeof row === 'string' || row[1] === '') return rowText(typeof row === 'string' ? row : row[0], 0, 0);
  return `  ${row[1]}\n  ${row[0]}`;
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** What `coax help` tells beside verbs. */
const TOPICS: Readonly<Record<string, { about: string; title: string; rows: () => Row[] }>> = {
  environment: {
    about: 'variables that it reads',
    title: 'Environment',
    rows: () =>
      ENVIRONMENT.map(
        ([names, about]) => [names, about].map(text => text.replaceAll('`', '')) as [string, string],
      ),
  },
  'exit-statuses': { about: 'what scripts may rely on', title: 'Exit statuses', rows: exitStatuses },
};

/** Names of those, and what they tell. */
export const topicNames = (): Row[] =>
  Object.entries(TOPICS).map(([name, { about }]) => [name, about] as const);

/** The help of something that is no verb; null if it is none of that. */
export function topicHelp(topic: string | undefined, columns = COLUMNS_MAX): string | null {
  const found = topic !== undefined && Object.hasOwn(TOPICS, topic) ? TOPICS[topic] : undefined;
  return found ? sections(columns, [[found.title, found.rows()]]) : null;
}

/** The table of exit statuses, for the manual. */
export function exitStatuses(): Row[] {
  const rows = new Map<number, string[]>([
    [0, ['Done.']],
    [11, ['Done, but some branches of a group failed, as it tolerates.']],
    [130, ['Interrupted; the message goes on and the line to come back is printed.']],
    [69, ['No Node 24 to run with.']],
    [141, ['The reader of the output went away.']],
  ]);
  for (const { exit, about } of Object.values(KINDS)) rows.set(exit, [...(rows.get(exit) ?? []), about]);
  return [...rows]
    .sort(([a], [b]) => a - b)
    .map(([status, abouts]) => [String(status), [...new Set(abouts)].join(' ')]);
}
