import type { MessageView } from '../../api/message.ts';
import { CODES, type ErrorCode, KINDS } from '../../errors/codes.ts';
import { plain, plural, valueText } from '../output/text.ts';
import { duration } from '../output/time.ts';
import { partlyDone } from './partly.ts';

/** Exit status of a wait for what is done although branches failed. */
export const PARTLY_DONE = 11;

/** The exit status that a wait for this message ends with. */
export function exitStatusOf(message: MessageView): number {
  if (message.status === 'done') return partlyDone(message).length === 0 ? 0 : PARTLY_DONE;
  if (message.status === 'rolled_back') return exitOf('COAX_ROLLED_BACK');
  return exitOf(message.status === 'parked' ? 'COAX_PARKED' : 'COAX_WAIT_TIMEOUT');
}

const exitOf = (code: ErrorCode): number => KINDS[CODES[code].kind].exit;

/** The last line of a wait: how it ended, and the next command. `since`: RFC 3339; what it took is told from there. */
export function outcomeLine(message: MessageView, since = message.created): string {
  const { msgid, flow } = message;
  const took = duration(Math.max(0, Date.parse(message.updated) - Date.parse(since)));
  const name = `${plain(flow)} ${msgid}`;
  switch (message.status) {
    case 'done':
      return `${['done', ...partlyDone(message)].join(', ')}: ${name} in ${took}${outputs(message)}; coax log ${msgid}`;
    case 'rolled_back':
      return `rolled back: ${name} in ${took}; ${causeOf(message)}; coax log ${msgid}`;
    case 'parked':
      return `parked: ${name}; undoing ${stepAt(message)} failed (${plain(message.undoError?.reason ?? 'no reason')}); coax resolve ${msgid} retry|skip|edit|undone --reason …`;
    default:
      return `${message.status}: ${name} at ${stepAt(message)}; it goes on; coax wait ${msgid}`;
  }
}

function causeOf(message: MessageView): string {
  const undone = message.steps.filter(step => step.state === 'undone').length;
  const steps = `${plural(undone, 'step')} undone`;
  if (message.cause === 'failed') return `${plain(message.error?.reason ?? 'a step failed')}; ${steps}`;
  return `${message.cause ?? 'rolled back'}; ${steps}`;
}

function stepAt(message: MessageView): string {
  return plain(message.steps[message.cursor]?.step ?? 'its end');
}

/** The few outputs that people look for. */
function outputs(message: MessageView): string {
  const sets = message.steps.flatMap(step => Object.entries(step.set));
  const shown = sets.filter(([, value]) => value === null || typeof value !== 'object').slice(0, 4);
  return shown.length === 0
    ? ''
    : `; ${shown.map(([name, value]) => `${name}=${valueText(value, 40)}`).join(' ')}`;
}
