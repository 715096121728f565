import { useWords } from '../words/words.ts';

const BUSY = 0.7;
const FULL = 0.9;

/** How much of something is taken, as a bar with its numbers in words. `share`: 0 to 1; more where it was promised twice. */
export function Capacity({ label, share, text }: { label: string; share: number; text: string }) {
  const colour = share >= FULL ? 'bg-bad' : share >= BUSY ? 'bg-back' : 'bg-good';
  return (
    <div className="space-y-1">
      <div className="flex justify-between gap-2 text-xs">
        <span className="font-medium text-soft">{label}</span>
        <span>{text}</span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: no two browsers let a page draw their own meter alike */}
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(share * 100))}
        aria-valuetext={text}
        className="h-2 overflow-hidden rounded-full bg-sunk"
      >
        <div
          className={`h-full rounded-full ${colour}`}
          style={{ width: `${Math.min(100, share * 100)}%` }}
        />
      </div>
    </div>
  );
}

/** A share of what may be claimed, short: for the row of a list. */
export function Share({ thousandths }: { thousandths: number }) {
  const word = useWords();
  if (thousandths < 0) return <span className="text-faint">{word('hosts.nothing')}</span>;
  const share = thousandths / 1000;
  const colour = share >= FULL ? 'bg-bad' : share >= BUSY ? 'bg-back' : 'bg-good';
  return (
    <span className="flex items-center gap-2">
      <span aria-hidden="true" className="h-1.5 w-16 overflow-hidden rounded-full bg-sunk">
        <span className={`block h-full ${colour}`} style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      {Math.round(share * 100)} %
    </span>
  );
}

/** MiB as people read it. */
export function memoryText(mib: number): string {
  if (mib < 1024) return `${mib} MiB`;
  if (mib < 1024 * 1024) return `${Math.round((mib / 1024) * 10) / 10} GiB`;
  return `${Math.round((mib / 1024 / 1024) * 10) / 10} TiB`;
}
