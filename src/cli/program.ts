import { Argument, Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { CoaxError } from '../errors/coax-error.ts';
import { GLOBAL_OPTIONS, type GlobalOptions } from './global-options.ts';
import { nounHelp, rootHelp, usageOf, verbHelp } from './help.ts';
import { UsageFault, type Verb, type VerbArgument, type VerbOption } from './verb.ts';
import { GROUPS, NOUNS, VERBS, type VerbEntry } from './verbs.ts';

export interface Call {
  readonly verb: Verb;
  readonly args: readonly string[];
  readonly options: Record<string, unknown>;
  readonly globals: GlobalOptions;
}

/** Verbs by path whose files are loaded. */
export type Loaded = ReadonlyMap<string, Verb>;

/** Loads the verbs that these words may mean; every one for `all`. */
export async function loadVerbs(words: readonly string[] | 'all'): Promise<Loaded> {
  const wanted = VERBS.filter(entry => words === 'all' || matches(entry, words));
  const loaded = await Promise.all(
    wanted.map(async entry => [entry.path, (await entry.load()).verb] as const),
  );
  return new Map(loaded);
}

function matches(entry: VerbEntry, words: readonly string[]): boolean {
  const [first, second, third] = words[0] === 'help' ? words.slice(1) : words;
  const named = (word: string | undefined) => (word === 'list' ? 'ls' : word);
  return [first, `${first} ${named(second)}`, `${first} ${second} ${named(third)}`].includes(entry.path);
}

/** The tree of commands. Verbs that are not loaded are only names in it. */
export function makeProgram(loaded: Loaded, onCall: (call: Call) => void, columns?: number): Command {
  const program = root(new Command('coax'), () => rootHelp(columns));
  for (const { flags, about, ...more } of GLOBAL_OPTIONS) {
    if (flags.includes('--help')) program.helpOption(flags, about);
    else program.addOption(optionOf({ flags, about, ...more }));
  }
  for (const [noun, about] of Object.entries(NOUNS)) {
    program.addCommand(
      root(new Command(noun), () => nounHelp(noun, columns))
        .description(about)
        .helpCommand(false),
    );
  }
  for (const entry of GROUPS.flatMap(group => group.verbs)) {
    const above = entry.path.split(' ');
    const name = above.pop()!;
    // `host token ls` is beneath `host token`, which is a verb of its own.
    const parent = above.reduce(
      (command, word) => command.commands.find(child => child.name() === word)!,
      program,
    );
    const command = new Command(name).description(entry.about).helpCommand(false);
    quiet(command);
    if (name === 'ls') command.alias('list');
    const verb = loaded.get(entry.path);
    if (verb) {
      fill(command, verb, (args, options) => onCall({ verb, args, options, globals: program.opts() }));
      const help = () => verbHelp(entry.path, entry.about, verb, usageOf(command), columns);
      command.configureHelp({ formatHelp: help });
    }
    parent.addCommand(command);
  }
  return program;
}

/** A command that has only commands beneath: bare, it prints its help. */
function root(command: Command, help: () => string): Command {
  quiet(command);
  return command.configureHelp({ formatHelp: help });
}

function fill(
  command: Command,
  verb: Verb,
  onCall: (args: string[], options: Record<string, unknown>) => void,
): void {
  for (const argument of verb.args ?? []) command.addArgument(argumentOf(argument));
  for (const option of verb.options ?? []) command.addOption(optionOf(option));
  command.action(() => onCall(command.args, command.opts()));
}

/** Commander prints help only, on standard output; errors come as exceptions and are reported in one place. */
function quiet(command: Command): void {
  const writeErr = (text: string) => process.stdout.write(text);
  command.exitOverride().configureOutput({ outputError: () => {}, writeErr });
}

function argumentOf({ name, about, choices }: VerbArgument): Argument {
  const argument = new Argument(name, about);
  return choices ? argument.choices(choices) : argument;
}

function optionOf({
  flags,
  about,
  choices,
  repeats,
  required,
  default: fallback,
  parse,
}: VerbOption): Option {
  const option = new Option(flags, about);
  if (choices) option.choices(choices);
  if (required) option.makeOptionMandatory();
  if (fallback !== undefined) option.default(fallback);
  if (repeats) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  else if (parse) {
    option.argParser((text: string) => {
      try {
        return parse(text);
      } catch (error) {
        if (error instanceof UsageFault) throw new InvalidArgumentError(error.message);
        throw error;
      }
    });
  }
  return option;
}

/** What commander found wrong, as an error of ours; null when it only printed help. */
export function usageError(error: CommanderError, path: string): CoaxError | null {
  if (error.exitCode === 0 || error.code === 'commander.help') return null;
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (?:one of )?(.+)\?\)/
    .exec(rest.join(' '))?.[1]
    ?.split(', ')
    .filter(name => name !== 'list');
  const known = VERBS.some(entry => entry.path === path)
    ? `${path} `
    : path.includes(' ')
      ? `${path.split(' ')[0]} `
      : '';
  const help = `\`coax ${known}--help\` ${known ? 'has examples' : 'lists the verbs'}.`;
  return new CoaxError('COAX_USAGE', first.replace('unknown command', 'unknown verb'), {
    hint: meant?.length ? `did you mean ${meant.map(name => `\`${name}\``).join(' or ')}? ${help}` : help,
  });
}
