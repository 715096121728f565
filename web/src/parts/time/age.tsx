import { useWords } from '../../words/words.ts';
import { lengthText, momentText, useNow } from './clock.ts';

/** How long ago, with the moment itself at it. `at`: ISO 8601, or milliseconds since 1970. */
export function Age({ at }: { at: string | number }) {
  const word = useWords();
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={momentText(ms)} className="whitespace-nowrap">
      {lengthText(useNow() - ms, word)}
    </time>
  );
}
