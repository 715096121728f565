import type { MessageLite, MessageView } from '../api/message.ts';

/** What events and lists tell of a message: all but its plan, which they count, and its parameters. */
export function liteOf(message: MessageView): MessageLite {
  const { msgid, flow, project, status, waitingFor, mode, cursor, cause, attempt, error, undoError } =
    message;
  const { steps, parent, worker, labels, seq, head, updated } = message;
  return {
    ...{
      msgid,
      flow,
      project,
      status,
      waitingFor,
      mode,
      cursor,
      cause,
      attempt,
      error,
      undoError,
      worker,
      labels,
      seq,
      head,
      updated,
    },
    steps: steps.length,
    step: steps[cursor]?.step ?? null,
    parent: parent?.msgid ?? null,
  };
}
