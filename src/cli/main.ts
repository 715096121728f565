import { CommanderError } from 'commander';
import { makeContext, makeOutput } from './context.ts';
import { type GlobalOptions, wordsOf } from './global-options.ts';
import { helpColumns, topicHelp } from './help.ts';
import type { Output } from './output/output.ts';
import { type Call, loadVerbs, makeProgram, usageError } from './program.ts';
import { report } from './report.ts';
import { VERBS } from './verbs.ts';

/** Runs one command line; resolves with the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === '--version' || argv[0] === '-V') return main(['version', ...argv.slice(1)]);
  if (argv[0] === 'complete') return (await import('./completion/complete.ts')).complete(argv.slice(1));
  const columns = helpColumns(process.stdout);
  const topic = argv[0] === 'help' && argv.length === 2 ? topicHelp(argv[1], columns) : null;
  if (topic !== null) {
    process.stdout.write(topic);
    return 0;
  }
  const words = wordsOf(argv);
  let call: Call | null = null;
  let out = makeOutput(guessGlobals(argv));
  try {
    const onCall = (found: Call) => {
      call = found;
    };
    const program = makeProgram(await loadVerbs(words), onCall, columns);
    await program.parseAsync(forHelp(argv), { from: 'user' });
    const found = call as Call | null;
    if (found === null) return 0;
    out = makeOutput(found.globals);
    const context = makeContext(found.globals, out);
    try {
      return await found.verb.run(context, found.args, found.options);
    } finally {
      await context.close();
    }
  } catch (error) {
    return fail(error, words, out);
  }
}

const HELP = new Set(['--help', '-h']);

/** `help run` is `run --help`. The help of a verb that there is not is no help: it is refused like the verb itself. */
function forHelp(argv: readonly string[]): string[] {
  const asked = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv];
  const [first, second] = wordsOf(asked);
  const named = second === 'list' ? 'ls' : second;
  const isKnown = VERBS.some(
    ({ path }) =>
      first === undefined ||
      path === first ||
      (path.startsWith(`${first} `) && (second === undefined || `${path} `.startsWith(`${first} ${named} `))),
  );
  return isKnown ? asked : asked.filter(word => !HELP.has(word));
}

function fail(error: unknown, words: readonly string[], out: Output): number {
  if (!(error instanceof CommanderError)) return report(error, out);
  const [noun = ''] = words;
  const isNoun = VERBS.some(({ path }) => path.startsWith(`${noun} `));
  const wrong = usageError(error, words.slice(0, isNoun ? 2 : 1).join(' '));
  return wrong === null ? 0 : report(wrong, out);
}

/** How to print an error of a command line that could not be read. */
function guessGlobals(argv: readonly string[]): GlobalOptions {
  const text = argv.join(' ');
  return /(^| )(-o ?|--output[= ])jsonl?( |$)/.test(text) ? { output: 'json' } : {};
}

if (import.meta.main) {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // The reader went away (`coax ls | head -1`): end as a program ended by SIGPIPE does.
      if (error.code === 'EPIPE') process.exit(141);
      throw error;
    });
  }
  process.exitCode = await main(process.argv.slice(2));
}
