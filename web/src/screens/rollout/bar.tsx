import type { RolloutView } from '../../../../src/api/package/rollout.ts';
import { useWords } from '../../words/words.ts';

type Counts = RolloutView['hosts'];

/** In the order of the bar. `waiting` is what is left of it. */
const PARTS = ['done', 'failed', 'undone', 'under_way', 'waiting'] as const;
const COLOURS: Readonly<Record<(typeof PARTS)[number], string>> = {
  done: 'bg-good',
  failed: 'bg-bad',
  undone: 'bg-back',
  under_way: 'bg-busy pulse',
  waiting: 'bg-sunk',
};

/** How far hosts are, as a bar with the same in words. */
export function HostsBar({ label, counts }: { label: string; counts: Counts }) {
  const word = useWords();
  const all = Math.max(
    1,
    PARTS.reduce((sum, part) => sum + counts[part], 0),
  );
  const shown = PARTS.filter(part => counts[part] > 0);
  const text = shown.map(part => word(`rollout.hosts.${part}`, { n: counts[part] })).join(', ');
  return (
    <div className="space-y-1">
      <div
        role="img"
        aria-label={`${label}: ${text}`}
        className="flex h-2.5 gap-px overflow-hidden rounded-full bg-sunk"
      >
        {shown.map(part => (
          <span key={part} className={COLOURS[part]} style={{ width: `${(counts[part] / all) * 100}%` }} />
        ))}
      </div>
      <p className="flex flex-wrap gap-x-3 text-xs text-soft">
        {shown.map(part => (
          <span key={part} className="inline-flex items-center gap-1.5">
            <span aria-hidden="true" className={`size-2 rounded-full ring-1 ring-edge/40 ${COLOURS[part]}`} />
            {word(`rollout.hosts.${part}`, { n: counts[part] })}
          </span>
        ))}
      </p>
    </div>
  );
}
