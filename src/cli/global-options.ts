import type { OutputFormat } from './output/output.ts';
import type { ColorChoice } from './output/style.ts';

const OUTPUT_FORMATS: readonly OutputFormat[] = ['table', 'wide', 'json', 'jsonl', 'yaml', 'name'];
const COLORS: readonly ColorChoice[] = ['auto', 'always', 'never'];

/** The options that every verb takes, before or after its name. */
export const GLOBAL_OPTIONS = [
  {
    flags: '-o, --output <format>',
    about: `How to print data: ${OUTPUT_FORMATS.join(', ')}`,
    choices: OUTPUT_FORMATS,
  },
  { flags: '--utc', about: 'Exact times in UTC in place of ages' },
  {
    flags: '--color <when>',
    about: `Colours: ${COLORS.join(', ')}; NO_COLOR and FORCE_COLOR work too`,
    choices: COLORS,
  },
  { flags: '-q, --quiet', about: 'No hints and no progress on standard error' },
  { flags: '--data <dir>', about: 'Data directory (else COAX_DATA, else the usual place)' },
  {
    flags: '--url <url>',
    about: "Server's address, or several with commas between (else COAX_URL, else that of the context)",
  },
  {
    flags: '--context <name>',
    about: 'Server that was logged in to (else COAX_CONTEXT, else `coax context use`)',
  },
  {
    flags: '--project <project>',
    about: 'Project of what is submitted and listed (else COAX_PROJECT, else that of the context)',
  },
  { flags: '-h, --help', about: 'This help' },
] as const;

export interface GlobalOptions {
  readonly output?: OutputFormat;
  readonly utc?: boolean;
  readonly color?: ColorChoice;
  readonly quiet?: boolean;
  readonly data?: string;
  readonly url?: string;
  readonly context?: string;
  readonly project?: string;
}

const TAKES_VALUE = new Set(['-o', '--output', '--color', '--data', '--url', '--context', '--project']);

/** The words of a command line that are not global options: the verb comes first among them. */
export function wordsOf(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === '--') break;
    if (TAKES_VALUE.has(word)) index++;
    else if (!word.startsWith('-')) words.push(word);
  }
  return words;
}
