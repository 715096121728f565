import type { RolloutView } from '../../../../src/api/package/rollout.ts';
import { Badge } from '../../parts/badge.tsx';
import { useWords } from '../../words/words.ts';
import { HostsBar } from './bar.tsx';

/** The waves in their order; the one under way is marked, and where a person must approve. */
export function Waves({ rollout: { waves, wave: now, paused, state } }: { rollout: RolloutView }) {
  const word = useWords();
  return (
    <section aria-labelledby="rollout-waves" className="card p-3">
      <h2 id="rollout-waves" className="pb-2 font-semibold">
        {word('rollout.wavesTitle')}
      </h2>
      <ol className="space-y-2">
        {waves.map(({ wave, name, hosts, pause, counts }) => {
          const isNow = wave === now && state === 'under_way';
          const title = name === 'canary' ? word('rollout.canaryWave') : name;
          return (
            <li
              key={wave}
              data-wave={name}
              aria-current={isNow ? 'step' : undefined}
              className={`space-y-2 rounded-lg border p-2.5 ${isNow ? 'border-accent bg-accent-soft/40' : ''}`}
            >
              <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                <h3 className="font-medium">{title}</h3>
                <span className="text-xs text-soft">{word('rollout.ofHosts', { n: hosts })}</span>
                {isNow && <Badge tone="busy">{word('rollout.now')}</Badge>}
                {pause && (
                  <span className="text-xs text-wait md:ml-auto">
                    {word(
                      isNow && paused
                        ? 'rollout.pausedHere'
                        : wave < now
                          ? 'rollout.approved'
                          : 'rollout.willPause',
                    )}
                  </span>
                )}
              </div>
              <HostsBar label={title} counts={counts} />
            </li>
          );
        })}
      </ol>
    </section>
  );
}
