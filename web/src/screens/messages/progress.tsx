import type { MessageRow } from './message-list.ts';

const PIPS_MAX = 12;

/** How far a message is: a pip for each step, and the step at the cursor. */
export function Progress({ row }: { row: MessageRow }) {
  const { cursor, steps, step } = row;
  const place = Math.min(Math.max(cursor, 0), steps);
  return (
    <span className="inline-flex max-w-full items-center gap-2 align-middle">
      <Pips row={row} />
      <span className="text-xs text-faint">
        {place}/{steps}
      </span>
      {step !== null && <span className="truncate">{step}</span>}
    </span>
  );
}

function Pips({ row: { cursor, steps, mode, status } }: { row: MessageRow }) {
  const count = Math.min(steps, PIPS_MAX);
  const at = steps <= PIPS_MAX ? cursor : Math.floor((cursor / steps) * PIPS_MAX);
  const now = status === 'parked' ? 'bg-bad' : mode === 'rollback' ? 'bg-back' : 'bg-busy';
  return (
    <span aria-hidden="true" className="inline-flex gap-0.5">
      {Array.from({ length: count }, (_, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: a pip is its place
          key={index}
          className={`h-2.5 w-1.5 rounded-[2px] ${index === at ? now : index < at ? 'bg-good' : 'bg-line'}`}
        />
      ))}
    </span>
  );
}
