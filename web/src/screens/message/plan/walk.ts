import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView, PlanStepView } from '../../../../../src/api/message.ts';

/** How a step stands on the line: as the API has it, and apart from that what failed and what waits for a person. */
export type StopState = PlanStepView['state'] | 'failed' | 'parked';

/** A step of the plan, with all that was done at it. */
export interface Stop {
  readonly step: PlanStepView;
  readonly state: StopState;
  /** Attempts to do it, oldest first. */
  readonly tries: readonly CommitView[];
  /** Attempts to undo it, oldest first. */
  readonly undos: readonly CommitView[];
  /** The way back leads, or led, through it. */
  readonly wayBack: boolean;
}

/** The line of a message: its steps, and what its commits (newest first) say of each. */
export function stopsOf(message: MessageView, commits: readonly CommitView[]): Stop[] {
  const failedAt = message.mode === 'rollback' ? failedStep(commits) : -1;
  return message.steps.map(step => {
    const here = commits.filter(({ cursor, step: name }) => cursor === step.index && name !== null).reverse();
    const undos = here.filter(({ mode }) => mode === 'rollback');
    return {
      step,
      state: stateOf(message, step, failedAt),
      tries: here.filter(({ mode }) => mode === 'normal'),
      undos,
      wayBack: message.mode === 'rollback' && (step.state === 'undone' || step.state === 'undoing'),
    };
  });
}

/** The step whose failure turned the message back; -1 when something else did. */
function failedStep(commits: readonly CommitView[]): number {
  const turned = commits.find(({ mode }) => mode === 'normal');
  return turned?.outcome === 'failed' ? turned.cursor : -1;
}

function stateOf(message: MessageView, step: PlanStepView, failedAt: number): StopState {
  if (message.status === 'parked' && step.index === message.cursor) return 'parked';
  if (step.index === failedAt && step.state !== 'undoing') return 'failed';
  return step.state;
}

/**
 * How long the newest attempt took that came to its end, in milliseconds; null when none did. That of a group is from where it split
 * to where its branches came together.
 */
export function tookMs(attempts: readonly CommitView[]): number | null {
  const ended = attempts.filter(isEnd);
  const last = ended.findLast(({ outcome }) => outcome === 'ok') ?? ended.at(-1);
  if (last === undefined) return null;
  const split = attempts.slice(0, attempts.indexOf(last)).findLast(({ outcome }) => outcome === 'split');
  return last.finished - (split ?? last).started;
}

/** How many attempts came to an end: that a group split is the begin of one. */
export const endedCount = (attempts: readonly CommitView[]): number => attempts.filter(isEnd).length;

const isEnd = ({ outcome }: CommitView): boolean => outcome !== 'split';

/** A step that a person wants to see first: where the cursor is, else what failed, else the last. */
export function firstShown(stops: readonly Stop[], cursor: number): number {
  const failed = stops.findIndex(({ state }) => state === 'failed' || state === 'parked');
  if (failed >= 0) return failed;
  return Math.min(Math.max(cursor, 0), stops.length - 1);
}
