import { Badge, type Tone } from '../../parts/badge.tsx';
import type { WordName } from '../../words/en.ts';
import { useWords } from '../../words/words.ts';

const STATES: Readonly<Record<string, { readonly tone: Tone; readonly word: WordName }>> = {
  running: { tone: 'good', word: 'vm.running' },
  stopped: { tone: 'neutral', word: 'vm.stopped' },
  paused: { tone: 'wait', word: 'vm.paused' },
  building: { tone: 'busy', word: 'vm.building' },
  removing: { tone: 'back', word: 'vm.removing' },
  missing: { tone: 'bad', word: 'vm.missing' },
};

/** State of a VM; a word that is not known here is shown as the server says it. */
export function VmStateBadge({ state }: { state: string }) {
  const word = useWords();
  const known = STATES[state];
  return <Badge tone={known?.tone ?? 'neutral'}>{known ? word(known.word) : state}</Badge>;
}
