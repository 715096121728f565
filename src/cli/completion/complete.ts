import type { Client } from '../../client/client.ts';
import { STATUSES } from '../../message/message.ts';
import { makeContext, makeOutput } from '../context.ts';
import { GLOBAL_OPTIONS, wordsOf } from '../global-options.ts';
import { topicNames } from '../help.ts';
import { loadVerbs } from '../program.ts';
import type { Completes, Verb, VerbOption } from '../verb.ts';
import { NOUNS, VERBS } from '../verbs.ts';

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** A shell waits while we do; COAX_COMPLETION_MS says how long, for a server that is far away. */
const SERVER_MS = Number(process.env.COAX_COMPLETION_MS) || 200;
const MSGIDS = 20;
const NAMES = 1000;
const FILE: readonly Candidate[] = [{ word: ':file', about: '' }];

/** Answers a shell: what may stand in place of the last of these words. Prints nothing rather than an error. */
export async function complete(argv: readonly string[]): Promise<number> {
  const words = argv[0] === '--' ? argv.slice(1) : argv;
  try {
    const found = await candidates(words, askServer);
    const last = words.at(-1) ?? '';
    const lines = found
      .filter(({ word }) => word.startsWith(last) || word === ':file')
      .map(({ word, about }) => (about ? `${word}\t${about.replace(/\s+/g, ' ')}` : word));
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  } catch {
    // A completion that fails completes nothing.
  }
  return 0;
}

/** Gets what only the server knows; empty when it does not answer soon. */
export type Ask = (get: (client: Client) => Promise<readonly Candidate[]>) => Promise<readonly Candidate[]>;

/** What may stand in place of the last word, whether or not it begins like it. */
export async function candidates(words: readonly string[], ask: Ask): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const named = wordsOf(before).filter(word => word !== 'help');
  const path = verbWords(named);
  const entry = VERBS.find(({ path: known }) => known === path.join(' '));
  if (!entry) {
    const option = GLOBAL_OPTIONS.find(
      ({ flags }) => takesValue(flags) && namesOf(flags).includes(before.at(-1) ?? ''),
    );
    if (option) return valuesOf(undefined, 'choices' in option ? option.choices : [], ask);
    if (last.startsWith('-')) return optionCandidates(GLOBAL_OPTIONS, before);
    return before[0] === 'help' && path.length === 0 ? [...firstWords(path), ...topics()] : firstWords(path);
  }
  const verb = (await loadVerbs([...path])).get(entry.path);
  if (!verb) return [];
  const options: readonly VerbOption[] = [...(verb.options ?? []), ...GLOBAL_OPTIONS];
  const assigned = /^(--[\w-]+)=/.exec(last);
  const option = options.find(
    ({ flags }) => takesValue(flags) && namesOf(flags).includes(assigned?.[1] ?? before.at(-1) ?? ''),
  );
  if (option) {
    const values = await valuesOf(option.completes, option.choices, ask);
    return assigned ? values.map(({ word, about }) => ({ word: `${assigned[1]}=${word}`, about })) : values;
  }
  if (last.startsWith('-')) return optionCandidates(options, before);
  return positional(verb, entry.path, operandsOf(before, path, options), ask);
}

/** The words that name a verb: one, a noun and another, or three, as `host token ls`. */
function verbWords(named: readonly string[]): readonly string[] {
  if (NOUNS[named[0] ?? ''] === undefined) return named.slice(0, 1);
  const three = named.slice(0, 3).join(' ');
  return named.slice(0, VERBS.some(({ path }) => path === three) ? 3 : 2);
}

function firstWords(path: readonly string[]): Candidate[] {
  const [noun] = path;
  if (noun !== undefined) {
    return VERBS.filter(({ path: known }) => known.startsWith(`${noun} `)).map(({ path: known, about }) => ({
      word: known.slice(noun.length + 1),
      about,
    }));
  }
  const verbs = VERBS.filter(({ path: known }) => !known.includes(' ')).map(({ path: word, about }) => ({
    word,
    about,
  }));
  return [
    ...verbs,
    ...Object.entries(NOUNS).map(([word, about]) => ({ word, about })),
    { word: 'help', about: 'Help of a verb' },
  ];
}

const topics = (): Candidate[] => topicNames().map(([word, about]) => ({ word, about }));

const namesOf = (flags: string): string[] => flags.match(/(?<![\w-])--?[\w-]+/g) ?? [];
const takesValue = (flags: string): boolean => flags.includes('<');

function optionCandidates(options: readonly VerbOption[], before: readonly string[]): Candidate[] {
  return options
    .filter(option => option.repeats || !namesOf(option.flags).some(name => before.includes(name)))
    .flatMap(({ flags, about }) =>
      namesOf(flags)
        .filter(name => name.startsWith('--'))
        .map(word => ({ word, about })),
    );
}

/** The words after the verb that are neither options nor their values. */
function operandsOf(
  before: readonly string[],
  path: readonly string[],
  options: readonly VerbOption[],
): string[] {
  const operands: string[] = [];
  for (let index = 0; index < before.length; index++) {
    const word = before[index]!;
    if (!word.startsWith('-')) operands.push(word);
    else if (options.some(({ flags }) => takesValue(flags) && namesOf(flags).includes(word))) index++;
  }
  return operands.slice(path.length);
}

async function positional(
  verb: Verb,
  path: string,
  operands: readonly string[],
  ask: Ask,
): Promise<readonly Candidate[]> {
  if (path === 'run' && operands.length > 0) return parameterNames(operands, ask);
  if (path === 'step show' || path === 'step run') return actionNames(operands, ask);
  const args = verb.args ?? [];
  const argument = args[operands.length] ?? (args.at(-1)?.name.includes('...') ? args.at(-1) : undefined);
  return argument ? valuesOf(argument.completes, argument.choices, ask) : [];
}

/** `cpu=` for each parameter of the flow that was not given yet. */
function parameterNames([flow = '', ...given]: readonly string[], ask: Ask): Promise<readonly Candidate[]> {
  return ask(async client => {
    const { parameters } = await client.flow(flow);
    return Object.entries(parameters)
      .filter(([name]) => !given.some(word => word.startsWith(`${name}=`)))
      .map(([name, schema]) => ({
        word: `${name}=`,
        about: String((schema as { description?: string }).description ?? ''),
      }));
  });
}

function actionNames(operands: readonly string[], ask: Ask): Promise<readonly Candidate[]> {
  return ask(async client => {
    const { items } = await client.steps();
    const [module] = operands;
    if (module === undefined)
      return [...new Set(items.map(item => item.module))].map(word => ({ word, about: '' }));
    if (operands.length > 1) return [];
    return items
      .filter(item => item.module === module)
      .map(item => ({ word: item.action, about: item.about }));
  });
}

async function valuesOf(
  completes: Completes | undefined,
  choices: readonly string[] | undefined,
  ask: Ask,
): Promise<readonly Candidate[]> {
  if (choices) return choices.map(word => ({ word, about: '' }));
  const named = (items: readonly { name: string }[], about = ''): Candidate[] =>
    items.map(({ name }) => ({ word: name, about }));
  switch (completes) {
    case 'file':
      return FILE;
    case 'status':
      return STATUSES.map(word => ({ word, about: '' }));
    case 'flow':
      return ask(async client =>
        (await client.flows()).items.map(({ name, about }) => ({ word: name, about })),
      );
    case 'vm':
      return ask(async client => named((await client.vms({ limit: NAMES })).items));
    case 'host':
      return ask(async client => named((await client.hosts({ limit: NAMES })).items));
    case 'network':
      return ask(async client => named((await client.networks({ limit: NAMES })).items));
    case 'msgid':
      return ask(async client => {
        const { items } = await client.messages({ limit: MSGIDS });
        return [
          { word: '@', about: 'the newest' },
          ...items.map(item => ({ word: String(item.msgid), about: `${item.flow} ${item.status}` })),
        ];
      });
    default:
      return [];
  }
}

const askServer: Ask = async get => {
  const context = makeContext({}, makeOutput({}));
  const late = Promise.withResolvers<readonly Candidate[]>();
  const timer = setTimeout(() => late.resolve([]), SERVER_MS);
  try {
    const answer = context.client().then(get);
    return await Promise.race([answer, late.promise]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
    await context.close();
  }
};
