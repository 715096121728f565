import type { MessageView } from '../../../src/api/message.ts';
import { useWords } from '../words/words.ts';

export type Tone = 'neutral' | 'good' | 'busy' | 'wait' | 'back' | 'bad';

const TONES: Readonly<Record<Tone, string>> = {
  neutral: 'bg-sunk text-soft',
  good: 'bg-good-soft text-good',
  busy: 'bg-busy-soft text-busy',
  wait: 'bg-wait-soft text-wait',
  back: 'bg-back-soft text-back',
  bad: 'bg-bad-soft text-bad',
};

/** A word with a colour. The colour says nothing that the word does not. */
export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: string }) {
  return (
    <span
      className={`inline-block rounded px-1.5 text-xs leading-5 font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {children}
    </span>
  );
}

export type Status = MessageView['status'];

export const STATUS_TONES: Readonly<Record<Status, Tone>> = {
  queued: 'neutral',
  running: 'busy',
  waiting: 'wait',
  done: 'good',
  rolled_back: 'back',
  parked: 'bad',
};

export function StatusBadge({ status }: { status: Status }) {
  const word = useWords();
  return <Badge tone={STATUS_TONES[status]}>{word(`status.${status}`)}</Badge>;
}
