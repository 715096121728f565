import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView } from '../../../../../src/api/message.ts';
import { shellWord } from '../../../parts/command/shell-word.ts';
import type { WordName } from '../../../words/en.ts';

export type VerbName = 'cancel' | 'resolve' | 'rewind' | 'revert' | 'fork';
export const VERBS: readonly VerbName[] = ['cancel', 'resolve', 'rewind', 'revert', 'fork'];

/** Ways out for a parked message. */
export type How = 'retry' | 'skip' | 'edit' | 'undone';
export const HOWS: readonly How[] = ['retry', 'edit', 'undone', 'skip'];

/** What a person has chosen in the dialog of a verb. */
export interface Choice {
  readonly reason: string;
  readonly how: How;
  /** The step that a rewind goes back to, and does again. */
  readonly to: number;
  /** Id of the commit that a fork begins after. */
  readonly commit: string;
  readonly force: boolean;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const isUnderWay = ({ status }: MessageView): boolean => ['queued', 'running', 'waiting'].includes(status);

/** Why a verb cannot be used on a message as it stands now; null when it can. */
export function blockedBy(verb: VerbName, message: MessageView): WordName | null {
  const { status, mode, ask, rewindTo } = message;
  const forward = isUnderWay(message) && mode === 'normal';
  switch (verb) {
    case 'cancel':
      if (ask !== null) return 'blocked.asked';
      // While it is rewound, a cancel lets the walk back go on to the start.
      if (forward || (isUnderWay(message) && rewindTo !== null)) return null;
      return isUnderWay(message) ? 'blocked.goesBack' : 'blocked.notUnderWay';
    case 'resolve':
      return status === 'parked' ? null : 'blocked.notParked';
    case 'rewind':
      if (ask !== null) return 'blocked.asked';
      return forward || status === 'done' ? null : 'blocked.notForward';
    case 'revert':
      return status === 'done' ? null : 'blocked.notDone';
    case 'fork':
      return null;
  }
}

/** Steps that a verb makes undone, last first. */
export function undoneBy(verb: VerbName, message: MessageView, to: number): string[] {
  if (verb === 'fork') return [];
  const last = Math.min(message.cursor, message.steps.length - 1);
  const first = verb === 'rewind' ? to : 0;
  return message.steps
    .filter(
      ({ index, state }) =>
        index >= first && index <= last && (state === 'done' || state === 'current' || verb === 'resolve'),
    )
    .map(({ index, step }) => `${index} ${step}`)
    .reverse();
}

/** Commits (newest first) that a fork can begin after: where something was left to do. */
export function forkPoints(message: MessageView, commits: readonly CommitView[]): readonly CommitView[] {
  return commits.filter((_, index) => {
    const cursor = index === 0 ? message.cursor : commits[index - 1]!.cursor;
    return cursor >= 0 && cursor < message.steps.length;
  });
}

/** Whether parameters may be changed with it. */
export const takesParameters = (verb: VerbName, how: How): boolean =>
  verb === 'rewind' || verb === 'fork' || (verb === 'resolve' && how === 'edit');

/** The request that a verb is. */
export function requestOf(verb: VerbName, msgid: number, choice: Choice): { path: string; body: unknown } {
  const { reason, how, to, commit, force, parameters } = choice;
  const edits = takesParameters(verb, how) && Object.keys(parameters).length > 0 ? { parameters } : {};
  const path = `/v1/messages/${msgid}/${verb}`;
  switch (verb) {
    case 'cancel':
      return { path, body: { reason } };
    case 'revert':
      return { path, body: { reason, force } };
    case 'rewind':
      return { path, body: { reason, to, ...edits } };
    case 'resolve':
      return { path, body: { reason, how, ...edits } };
    case 'fork':
      return { path: `/v1/commits/${commit}/fork`, body: { reason, ...edits } };
  }
}

/** The command that does the same. */
export function verbCommand(verb: VerbName, msgid: number, choice: Choice): string {
  const { reason, how, to, commit, force, parameters } = choice;
  const edits = takesParameters(verb, how) ? Object.entries(parameters) : [];
  return [
    `coax ${verb} ${verb === 'fork' ? commit.slice(0, 12) : msgid}`,
    verb === 'resolve' && how,
    verb === 'rewind' && `--to ${to}`,
    verb === 'revert' && force && '--force',
    ...edits.map(
      ([name, value]) =>
        `-p ${shellWord(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`,
    ),
    reason !== '' && `--reason ${shellWord(reason)}`,
  ]
    .filter(Boolean)
    .join(' ');
}
