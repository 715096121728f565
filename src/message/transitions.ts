import { CoaxError } from '../errors/coax-error.ts';
import type { MessageState, Mode, Phase } from './message.ts';
import type { OutcomeKind } from './outcome.ts';

/** Words for what a commit did to its message. */
export type CommitOutcome =
  | 'accepted'
  | 'ok'
  | 'retry'
  | 'failed'
  | 'parked'
  | 'split'
  | 'cancel'
  | 'revert'
  | 'amend'
  | 'rewind'
  | 'resolve';

/** One arrow of the state machine. */
export interface Arrow {
  readonly mode: Mode;
  readonly phase: Phase;
  readonly outcome: OutcomeKind;
  /** Who causes it. */
  readonly by: 'worker' | 'person' | 'message';
  readonly about: string;
}

const arrow = (mode: Mode, phase: Phase, outcome: OutcomeKind, by: Arrow['by'], about: string): Arrow => ({
  mode,
  phase,
  outcome,
  by,
  about,
});

/**
 * Every allowed pair of state and outcome; a pair that is not here is refused. `advance` says what each one does, and
 * the diagram in docs/design/state-machine.md is drawn from this table.
 */
export const ARROWS: readonly Arrow[] = [
  arrow(
    'normal',
    'open',
    'ok',
    'worker',
    'the step is done: its outputs are merged and the cursor moves on; so is a group of which no more branches failed than it tolerates',
  ),
  arrow(
    'normal',
    'open',
    'retryable',
    'worker',
    'tried again after a backoff, or treated as terminal when attempts are used up',
  ),
  arrow(
    'normal',
    'open',
    'terminal',
    'worker',
    'the mode turns to rollback; the cursor stays, so a half-done step is undone too, unless it never began',
  ),
  arrow(
    'normal',
    'open',
    'split',
    'worker',
    'the group at the cursor made children; the message waits for them',
  ),
  arrow('normal', 'open', 'wait', 'worker', 'the children of the group have not ended'),
  arrow(
    'rollback',
    'open',
    'ok',
    'worker',
    'the step is undone: what it had set is dropped and the cursor moves back',
  ),
  arrow(
    'rollback',
    'open',
    'retryable',
    'worker',
    'the undo is tried again after a backoff, or parked when attempts are used up',
  ),
  arrow('rollback', 'open', 'terminal', 'worker', 'the undo failed for good: parked until a person decides'),
  arrow('rollback', 'open', 'wait', 'worker', 'the children of the group are on their way back'),
  arrow('normal', 'open', 'cancel', 'person', 'the mode turns to rollback'),
  arrow('normal', 'waiting', 'cancel', 'person', 'the mode turns to rollback; the children are cancelled'),
  arrow('rollback', 'open', 'cancel', 'person', 'ends a rewind: the walk back goes on to the start'),
  arrow('rollback', 'waiting', 'cancel', 'person', 'ends a rewind: the walk back goes on to the start'),
  arrow('normal', 'open', 'rewind', 'person', 'walks back to a step, undoing, then goes forward again'),
  arrow('normal', 'waiting', 'rewind', 'person', 'walks back to a step, undoing, then goes forward again'),
  arrow('normal', 'done', 'rewind', 'person', 'walks back from the end to a step, then goes forward again'),
  arrow(
    'rollback',
    'open',
    'rewind',
    'person',
    'the walk back stops at a step and goes forward again from it',
  ),
  arrow(
    'rollback',
    'waiting',
    'rewind',
    'person',
    'the walk back stops at a step and goes forward again from it',
  ),
  arrow('normal', 'done', 'revert', 'person', 'the same steps are walked back from the end'),
  arrow(
    'normal',
    'done',
    'amend',
    'message',
    'another message moved what this one made: parameters change, and its undo is given the new ones',
  ),
  arrow('rollback', 'parked', 'resolve', 'person', 'retry, skip, edit, or mark as undone by hand'),
];

const ALLOWED: Readonly<Record<Mode, Partial<Record<Phase, Set<OutcomeKind>>>>> = {
  normal: {},
  rollback: {},
};
for (const { mode, phase, outcome } of ARROWS) {
  const known = ALLOWED[mode][phase];
  if (known === undefined) ALLOWED[mode][phase] = new Set([outcome]);
  else known.add(outcome);
}

export function isAllowed(mode: Mode, phase: Phase, outcome: OutcomeKind): boolean {
  return ALLOWED[mode][phase]?.has(outcome) === true;
}

/** Throws COAX_MESSAGE_STATE when the state does not allow that outcome. */
export function assertAllowed(state: MessageState, outcome: OutcomeKind): void {
  if (isAllowed(state.mode, state.phase, outcome)) return;
  throw new CoaxError('COAX_MESSAGE_STATE', refusal(state, outcome), {
    detail: { mode: state.mode, phase: state.phase, outcome },
  });
}

function refusal(state: MessageState, outcome: OutcomeKind): string {
  const now = state.phase === 'open' ? `under way (mode ${state.mode})` : state.phase.replace('_', ' ');
  switch (outcome) {
    case 'cancel':
      return `the message is ${now}: only a message under way can be cancelled`;
    case 'revert':
      return `the message is ${now}: only a message that is done can be reverted`;
    case 'amend':
      return `the message is ${now}: only what a message that is done made can be moved`;
    case 'rewind':
      return `the message is ${now}: only a message under way or done can be rewound`;
    case 'resolve':
      return `the message is ${now}: only a parked message needs a decision`;
    default:
      return `the message is ${now}: it cannot take the outcome ${outcome}`;
  }
}
