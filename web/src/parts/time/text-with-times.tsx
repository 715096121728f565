import { useWords } from '../../words/words.ts';
import { lengthText, momentText, useNow } from './clock.ts';

/** A moment as the server writes it in a text, ISO 8601 in UTC. */
const MOMENT = /\b(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/;

/** A text of the server with its moments as they are here, and how far off those to come are. */
export function TextWithTimes({ text }: { text: string }) {
  // Every second piece is a moment.
  return text.split(MOMENT).map((piece, index) =>
    index % 2 === 0 ? (
      piece
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its place
      <Moment key={index} at={piece} />
    ),
  );
}

function Moment({ at }: { at: string }) {
  const word = useWords();
  const ms = Date.parse(at);
  const left = ms - useNow();
  return (
    <time dateTime={at} title={at}>
      {momentText(ms)}
      {left > 0 && ` (${word('time.in', { length: lengthText(left, word) })})`}
    </time>
  );
}
