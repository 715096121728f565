import type { Commit } from '../../src/ledger/commit.ts';
import type { Message } from '../../src/message/message.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { statusOf } from '../../src/message/status.ts';
import { stepLabel } from '../../src/message/step-label.ts';

/** A message in one line, without what differs from run to run. */
export function messageLine(message: Message, now: number): string {
  const { status, waitingFor } = statusOf(message, now);
  const step = message.plan.steps[message.cursor];
  const parts = [
    `${message.msgid} ${status}${waitingFor === null ? '' : ` for ${waitingFor}`}`,
    message.mode === 'rollback' && message.phase !== 'rolled_back' && 'walking back',
    step !== undefined && `at ${message.cursor} ${stepLabel(step)}`,
    message.cause !== null && `cause ${message.cause}`,
    message.rewindTo !== null && `to go forward from ${message.rewindTo}`,
    message.error !== null && `error ${message.error.code} "${message.error.reason}"`,
    message.undoError !== null && `undo error ${message.undoError.code} "${message.undoError.reason}"`,
    message.ask !== null && `asked to ${message.ask.kind}`,
  ];
  return `${parts.filter(part => part !== false).join(', ')} ${JSON.stringify(parametersOf(message))}`;
}

/** A commit in one line: what happened at which step, by whom, and what it changed. */
export function commitLine(commit: Commit): string {
  const { seq, mode, cursor, step, attempt, outcome, set, unset, error, detail, worker, actor } = commit;
  const parts = [
    `${seq} ${mode} ${cursor}`,
    step !== null && `${step} (${attempt})`,
    outcome,
    set !== undefined && `set ${JSON.stringify(set)}`,
    unset !== undefined && `unset ${unset.join(' ')}`,
    error !== undefined && `${error.code} "${error.reason}"`,
    detail !== undefined && outcome !== 'accepted' && JSON.stringify(detail),
    `by ${worker ?? actor}`,
  ];
  return parts.filter(part => part !== false).join(' ');
}
