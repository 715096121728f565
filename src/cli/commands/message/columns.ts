import type { MessageView } from '../../../api/message.ts';
import { partlyDone } from '../../live/partly.ts';
import type { Output } from '../../output/output.ts';
import { cell } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import type { Column } from '../../output/table.ts';
import { truncate, valueText } from '../../output/text.ts';

/** How messages are listed. */
export function messageColumns(out: Output): Column<MessageView>[] {
  return [
    { head: 'MSGID', right: true, cell: message => String(message.msgid) },
    { head: 'FLOW', cell: message => cell(message.flow) },
    { head: 'STATUS', cell: message => styleStatus(out.style, message.status) },
    { head: 'STEP', cell: stepCell },
    { head: 'TRY', right: true, cell: message => (message.attempt > 0 ? String(message.attempt + 1) : '') },
    { head: out.timeHead('AGE', 'CREATED'), right: true, cell: message => out.time(message.created) },
    { head: 'UPDATED', wide: true, cell: message => out.time(message.updated) },
    { head: 'PROJECT', wide: true, cell: message => cell(message.project) },
    { head: 'LABELS', wide: true, cell: message => cell(labelsText(message.labels)) },
    { head: 'ACTOR', wide: true, cell: message => cell(message.actor) },
    { head: 'WORKER', wide: true, cell: message => cell(message.worker) },
    { head: 'PARENT', right: true, wide: true, cell: message => cell(message.parent?.msgid) },
    { head: 'NOTE', cell: message => truncate(noteOf(message), 90) },
  ];
}

const labelsText = (labels: MessageView['labels']): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

function stepCell({ steps, cursor, status }: MessageView): string {
  if (status === 'done' || status === 'rolled_back')
    return `${steps.length}/${steps.length}`.replace(/^\d+/, status === 'done' ? '$&' : '0');
  return `${Math.max(cursor, 0)}/${steps.length} ${cell(steps[cursor]?.step)}`;
}

function noteOf(message: MessageView): string {
  const simulated = message.simulated ? ['SIMULATED'] : [];
  return [...simulated, reasonOf(message)].filter(text => text !== '').join(' ');
}

function reasonOf(message: MessageView): string {
  if (message.status === 'parked') return `undo failed: ${cell(message.undoError?.reason)}`;
  if (message.status === 'rolled_back')
    return message.cause === 'failed' ? cell(message.error?.reason) : cell(message.cause);
  if (message.ask) return `${message.ask.kind} asked`;
  if (message.waitingFor) return `waits for ${cell(message.waitingFor)}`;
  if (message.status !== 'done') return message.mode === 'rollback' ? 'rolling back' : '';
  const parameters = Object.entries(message.parameters)
    .filter(([, value]) => value === null || typeof value !== 'object')
    .slice(0, 5)
    .map(([name, value]) => `${name}=${valueText(value, 24)}`);
  return [...partlyDone(message), ...parameters].join(' ');
}
