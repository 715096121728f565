import { partlyText } from '../../message/group/tolerance.ts';
import type { Style } from '../output/style.ts';
import { styleStatus } from '../output/style.ts';
import { plain, truncate, truncateStyled, valueText, widthOf } from '../output/text.ts';
import { clock, duration } from '../output/time.ts';
import type { LiveState, LiveStep, LiveView } from './view.ts';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const MARKS: Readonly<Record<LiveState, readonly [mark: string, format: Parameters<Style>[0]]>> = {
  done: ['✔', 'green'],
  current: ['●', 'cyan'],
  pending: ['○', 'gray'],
  undone: ['↶', 'magenta'],
  undoing: ['↶', 'yellow'],
  failed: ['✘', 'red'],
};

/**
 * The live view as lines, none wider than the terminal and no more than it has rows. Pure: the same view at the same instant is
 * the same picture.
 */
export function frame(view: LiveView, now: number, size: FrameSize, style: Style): string[] {
  const labels = Math.max(...view.steps.map(step => widthOf(step.label)), 8);
  const body = view.steps.map(step => stepLine(step, view, labels, now, size.columns, style));
  const foot =
    view.ended === null
      ? [style('dim', `Ctrl-C leaves the view; the message goes on.   coax wait ${view.message.msgid}`)]
      : [];
  const room = Math.max(1, size.rows - 2 - foot.length);
  const lines = [headLine(view, now, style), ...around(body, view.message.cursor, room, style), ...foot];
  return lines.map(line => truncateStyled(line, size.columns));
}

function headLine({ message, begun, ended }: LiveView, now: number, style: Style): string {
  const done = Math.min(Math.max(message.cursor, 0), message.steps.length);
  return [
    `${style('bold', String(message.msgid))}  ${style('bold', plain(message.flow))}`,
    styleStatus(style, message.status),
    message.mode === 'rollback' && message.status !== 'rolled_back' ? style('magenta', 'rollback') : '',
    `${done}/${message.steps.length}`,
    clock((ended ?? now) - begun),
    message.simulated ? style(['yellow', 'bold'], 'SIMULATED') : '',
  ]
    .filter(part => part !== '')
    .join('   ');
}

function stepLine(
  step: LiveStep,
  view: LiveView,
  labels: number,
  now: number,
  columns: number,
  style: Style,
): string {
  const [mark, format] = MARKS[step.state];
  const running = step.since !== null && (step.state === 'current' || step.state === 'undoing');
  const sign = running ? SPINNER[Math.floor(now / 80) % SPINNER.length]! : mark;
  const took = step.tookMs ?? (step.since === null ? null : Math.max(0, now - step.since));
  const time = took === null ? '' : duration(took);
  const tail = `${time.padStart(6)}  ${step.worker === null ? '' : `worker ${plain(step.worker)}`}`.trimEnd();
  const noteWidth = Math.max(12, columns - labels - widthOf(tail) - 8);
  const note = truncate(noteOf(step, view), noteWidth);
  const label = plain(step.label).padEnd(labels);
  const quiet = step.state === 'pending';
  const padded = note + ' '.repeat(Math.max(0, noteWidth - widthOf(note)));
  const text = quiet ? style('gray', label) : step.state === 'failed' ? style('red', label) : label;
  return ` ${style(format, sign)} ${text}  ${step.reason === null ? padded : style('red', padded)}  ${style('dim', tail)}`.trimEnd();
}

/** What a step has to tell: outputs, what was dropped, why it failed, or what it waits for. */
function noteOf(step: LiveStep, { message }: LiveView): string {
  switch (step.state) {
    case 'done': {
      const set = Object.entries(step.set).map(([name, value]) => `${name}=${valueText(value, 40)}`);
      return [...(step.partly ? [partlyText(step.partly)] : []), ...set].join(' ');
    }
    case 'undone':
      return step.unset.length === 0 ? 'undone' : `undone: ${step.unset.join(', ')} dropped`;
    case 'failed':
      return plain(step.reason ?? 'failed');
    case 'current':
    case 'undoing': {
      const again = step.attempts > 0 ? `attempt ${step.attempts + 1}` : '';
      const waits =
        message.status === 'waiting' && message.waitingFor ? `waits for ${message.waitingFor}` : '';
      const branches =
        message.children.length > 0 && message.status === 'waiting'
          ? `${message.children.length} under way`
          : '';
      const queued = message.status === 'queued' ? 'waits for a worker' : '';
      const undo = step.state === 'undoing' ? 'undoing' : '';
      return [undo, waits === '' ? again : waits, branches, queued, plain(step.reason ?? '')]
        .filter(part => part !== '')
        .join('; ');
    }
    default:
      return '';
  }
}

/** At most `room` lines, those about the cursor. */
function around(lines: readonly string[], cursor: number, room: number, style: Style): string[] {
  if (lines.length <= room) return [...lines];
  const marks = room >= 3;
  const shown = marks ? room - 2 : room;
  const first = Math.min(Math.max(0, cursor - Math.floor(shown / 2)), lines.length - shown);
  const middle = lines.slice(first, first + shown);
  if (!marks) return middle;
  const below = lines.length - first - shown;
  const mark = (count: number, where: string) => (count > 0 ? style('dim', ` … ${count} ${where}`) : '');
  return [mark(first, 'above'), ...middle, mark(below, 'below')];
}
