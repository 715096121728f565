import type { CommitView } from '../../api/commit.ts';
import type { MessageView, PlanStepView } from '../../api/message.ts';
import type { Parameters } from '../../message/message.ts';

export type LiveState = 'done' | 'current' | 'pending' | 'undone' | 'undoing' | 'failed';

/** One line of the live view. */
export interface LiveStep {
  readonly label: string;
  readonly state: LiveState;
  readonly set: Parameters;
  /** Branches that failed and were tolerated, of a group that is done. */
  readonly partly: PlanStepView['partly'];
  /** Names that its undo dropped. */
  readonly unset: readonly string[];
  readonly worker: string | null;
  /** How long the last attempt took, in milliseconds. */
  readonly tookMs: number | null;
  /** When the attempt under way began (ms since 1970). */
  readonly since: number | null;
  readonly reason: string | null;
  readonly attempts: number;
}

export interface LiveView {
  readonly message: MessageView;
  readonly steps: readonly LiveStep[];
  readonly begun: number;
  /** When it came to rest, or null. */
  readonly ended: number | null;
}

export function isResting(status: MessageView['status']): boolean {
  return status === 'done' || status === 'rolled_back' || status === 'parked';
}

/** What the live view shows, from the message as it stands and its commits (oldest first). */
export function liveView(message: MessageView, commits: readonly CommitView[]): LiveView {
  const last = commits.at(-1);
  return {
    message,
    steps: message.steps.map(step => liveStep(step, message, commits)),
    begun: Date.parse(message.created),
    ended: isResting(message.status) ? (last?.finished ?? Date.parse(message.updated)) : null,
  };
}

function liveStep(
  step: MessageView['steps'][number],
  message: MessageView,
  commits: readonly CommitView[],
): LiveStep {
  const own = commits.filter(commit => commit.cursor === step.index && commit.step !== null);
  const last = own.at(-1);
  const failure = own.findLast(commit => commit.error !== undefined);
  const undone = own.findLast(commit => commit.mode === 'rollback' && commit.outcome === 'ok');
  const blamed = message.error !== null && failure?.mode === 'normal' && failure.outcome === 'failed';
  const atCursor = step.index === message.cursor && !isResting(message.status);
  return {
    label: step.step,
    state: blamed && step.state === 'undone' ? 'failed' : parkedHere(step, message) ? 'failed' : step.state,
    set: step.set,
    partly: step.partly,
    unset: undone?.unset ?? [],
    worker: atCursor ? message.worker : (last?.worker ?? null),
    tookMs: last && !atCursor ? last.finished - last.started : null,
    since:
      atCursor && message.status === 'running'
        ? Math.max(last?.finished ?? 0, Date.parse(message.updated))
        : null,
    reason: reasonOf(step, message, failure),
    attempts: own.filter(commit => commit.attempt > 0 && commit.mode === last?.mode).length,
  };
}

function parkedHere(step: MessageView['steps'][number], message: MessageView): boolean {
  return message.status === 'parked' && step.index === message.cursor;
}

function reasonOf(
  step: MessageView['steps'][number],
  message: MessageView,
  failure: CommitView | undefined,
): string | null {
  if (parkedHere(step, message)) return message.undoError?.reason ?? null;
  if (step.state === 'done' || step.state === 'pending') return null;
  return failure?.error?.reason ?? null;
}
