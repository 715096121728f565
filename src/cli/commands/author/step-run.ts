import { existsSync } from 'node:fs';
import type { CommitShow } from '../../../api/commit.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { KINDS } from '../../../errors/codes.ts';
import { meantHint } from '../../../errors/nearest.ts';
import type { Parameters } from '../../../message/message.ts';
import { withoutSealed } from '../../../message/secret/sealed.ts';
import type { Context } from '../../context.ts';
import { parsePairs } from '../../input/pairs.ts';
import { resolveCommit } from '../../input/refs.ts';
import { cell, type Output } from '../../output/output.ts';
import { plain, valueText } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

interface StepRunOptions {
  readonly param?: readonly string[];
  readonly commit?: string;
  readonly modules?: readonly string[];
  readonly undo?: boolean;
  readonly host?: string;
  readonly timeout?: number;
}

/** Runs one action by itself, here: with parameters, or with the input that a commit recorded. Stores nothing. */
export const verb = defineVerb<StepRunOptions>({
  examples: [
    ['coax step run dns add_record -p name=web -p ip=10.0.0.4', 'one action of ./modules'],
    ['coax step run --commit 141592~1 --modules ./modules', 'the input that a commit recorded, once more'],
    ['coax step run dns add_record -p name=web --undo', 'its undo'],
  ],
  details: [
    'The action comes from folders on this machine, not from the server; nothing is written to the ledger.',
    'A commit does not tell secrets: give them with -p, as in -p password=@FILE.',
  ],
  args: [
    { name: '[module]', about: 'Name of the module', completes: 'action' },
    { name: '[action]', about: 'Name of the action' },
    { name: '[pairs...]', about: 'Parameters: name=value' },
  ],
  options: [
    { flags: '-p, --param <name=value>', about: 'A parameter', repeats: true },
    {
      flags: '--commit <commit>',
      about: 'Take step and parameters from this commit (MSGID~N or first digits of its id)',
    },
    {
      flags: '-m, --modules <dir>',
      about: 'Folder of modules; may be given again (default ./modules)',
      repeats: true,
      completes: 'file',
    },
    { flags: '--undo', about: 'Undo in place of do' },
    { flags: '--host <name>', about: 'The host it is told' },
    { flags: '--timeout <time>', about: 'End it after so long (default 2m)', parse: lengthOfTime },
  ],
  statuses: [
    [0, 'ok'],
    [1, 'it said no for good'],
    [6, 'it said: try again'],
  ],
  async run(context, words, options) {
    const recorded =
      options.commit === undefined ? null : await resolveCommit(await context.client(), options.commit);
    const [module, name] = nameOf(words, recorded);
    const action = await findAction(context, module, name, options);
    const { readRecordedInput, runRecorded } = await import('../../../step/run-recorded.ts');
    const { out } = context;
    const pairs = [...words.slice(2), ...(options.param ?? [])];
    const input = readRecordedInput(inputOf(recorded, pairs, options));
    out.hint(`${module} ${name} (${input.mode}), ${cell(action.file ?? 'built in')}`);
    const { outcome, log } = await runRecorded(action, input, {
      ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
      onLog: line => out.hint(`${out.errorStyle('dim', '|')} ${plain(line)}`),
    });
    await out.object({ outcome, log, code: action.code }, outcome.kind, () => printOutcome(out, outcome));
    return outcome.kind === 'ok'
      ? 0
      : outcome.kind === 'retryable'
        ? KINDS.unavailable.exit
        : KINDS.failed.exit;
  },
});

function nameOf([module, name]: readonly string[], recorded: CommitShow | null): [string, string] {
  if (module !== undefined && name !== undefined) return [module, name];
  const [recordedModule, recordedName] = recorded?.commit.step?.split(' ') ?? [];
  if (recordedModule !== undefined && recordedName !== undefined) return [recordedModule, recordedName];
  throw new CoaxError(
    'COAX_USAGE',
    recorded ? 'that commit is not of a step with an action' : 'name a module and an action',
    {
      hint: 'coax step run MODULE ACTION -p name=value, or --commit COMMIT',
    },
  );
}

function inputOf(recorded: CommitShow | null, pairs: readonly string[], options: StepRunOptions) {
  const given: Parameters = parsePairs(pairs, name => typeof recorded?.before[name] === 'string');
  const commit = recorded?.commit;
  // The ledger does not tell secrets: they are given anew.
  const before = withoutSealed(recorded?.before ?? {});
  const undo = options.undo || commit?.mode === 'rollback';
  return {
    ...(commit && {
      msgid: commit.msgid,
      step: Math.max(0, commit.cursor),
      attempt: Math.max(1, commit.attempt),
    }),
    mode: undo ? 'undo' : 'do',
    host: options.host ?? (typeof recorded?.before.host === 'string' ? recorded.before.host : null),
    parameters: { ...before, ...given },
    output: undo ? { ...before, ...given } : {},
  };
}

async function findAction(context: Context, module: string, name: string, { modules }: StepRunOptions) {
  const { openCatalogue } = await import('../../../step/catalogue.ts');
  const dirs = modules ?? ['modules'].filter(existsSync);
  const catalogue = openCatalogue({ builtin: [], dirs });
  try {
    const faults = await catalogue.refresh();
    for (const fault of faults) context.out.hint(`not usable: ${cell(fault.where)}: ${cell(fault.reason)}`);
    const action = catalogue.find(module, name);
    if (action) return action;
    const names = catalogue.list().map(item => `${item.module} ${item.name}`);
    throw new CoaxError(
      'COAX_MODULE_UNKNOWN',
      `${dirs.join(', ') || 'no folder'} has no action ${module} ${name}`,
      {
        hint: `${meantHint(`${module} ${name}`, names)}Name the folder of modules with --modules DIR; actions built into the server run in flows only.`,
      },
    );
  } finally {
    catalogue.close();
  }
}

function printOutcome(
  out: Output,
  outcome: { kind: string; set?: Parameters; error?: { code: string; reason: string } },
): void {
  out.line(outcome.kind === 'ok' ? out.style('green', 'ok') : out.style('red', outcome.kind));
  for (const [name, value] of Object.entries(outcome.set ?? {}))
    out.line(`  ${out.style('green', `+${plain(name)}=${valueText(value)}`)}`);
  if (outcome.error) out.line(`  ${plain(outcome.error.reason)} (${plain(outcome.error.code)})`);
}
