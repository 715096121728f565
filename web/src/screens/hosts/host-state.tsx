import { Badge, type Tone } from '../../parts/badge.tsx';
import type { WordName } from '../../words/en.ts';
import { useWords } from '../../words/words.ts';

const STATES: Readonly<Record<string, { readonly tone: Tone; readonly word: WordName }>> = {
  up: { tone: 'good', word: 'host.up' },
  draining: { tone: 'wait', word: 'host.draining' },
  down: { tone: 'back', word: 'host.down' },
  lost: { tone: 'bad', word: 'host.lost' },
};

export function HostStateBadge({ state }: { state: string }) {
  const word = useWords();
  const known = STATES[state];
  return <Badge tone={known?.tone ?? 'neutral'}>{known ? word(known.word) : state}</Badge>;
}
