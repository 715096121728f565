import { live, useLiveState } from '../api/live.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { lengthText, useNow } from '../parts/time/clock.ts';
import { useWords } from '../words/words.ts';

/** Says that nothing here is live any more, since when, and lets a person try at once. */
export function StaleBanner() {
  const word = useWords();
  const { kind, since } = useLiveState();
  const now = useNow();
  if (kind !== 'stale') return null;
  return (
    <div
      role="alert"
      data-stale
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-back/40 bg-back-soft px-4 py-1.5 text-back"
    >
      <Icon name="warn" />
      <span className="flex-1">{word('live.stale', { age: lengthText(now - since, word) })}</span>
      <Button onClick={() => live.retry()}>{word('live.retry')}</Button>
    </div>
  );
}

/** Whether events come. */
export function LiveSign() {
  const word = useWords();
  const { kind } = useLiveState();
  const text = kind === 'live' ? word('live.on') : kind === 'connecting' ? word('live.connecting') : '';
  return (
    <span className="inline-flex items-center gap-1.5 text-xs text-soft" data-live={kind}>
      <span
        aria-hidden="true"
        className={`size-2 rounded-full ${kind === 'live' ? 'bg-good' : kind === 'stale' ? 'bg-back' : 'bg-edge'}`}
      />
      {text}
    </span>
  );
}
