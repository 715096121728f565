import { Link } from '@tanstack/react-router';
import type { RolloutView } from '../../../../src/api/package/rollout.ts';
import { Capacity } from '../../parts/capacity.tsx';
import { useWords } from '../../words/words.ts';
import { HostsBar } from './bar.tsx';

/** All hosts together, and how much of what may fail has failed. */
export function Progress({ rollout: { hosts, allowed, skipped } }: { rollout: RolloutView }) {
  const word = useWords();
  const share = hosts.failed === 0 ? 0 : allowed === 0 ? 1 : hosts.failed / allowed;
  return (
    <div className="grid items-start gap-3 md:grid-cols-2">
      <section aria-labelledby="rollout-hosts" className="card space-y-2 p-3">
        <h2 id="rollout-hosts" className="font-semibold">
          {word('rollout.allHosts')}
        </h2>
        <HostsBar label={word('rollout.allHosts')} counts={hosts} />
        {skipped.length > 0 && (
          <p className="text-xs text-soft">{word('rollout.skipped', { hosts: skipped.join(', ') })}</p>
        )}
      </section>
      <section aria-labelledby="rollout-budget" className="card space-y-2 p-3">
        <h2 id="rollout-budget" className="font-semibold">
          {word('rollout.budgetTitle')}
        </h2>
        <Capacity
          label={word('rollout.budgetUsed')}
          share={share}
          text={word('rollout.budgetText', { failed: hosts.failed, allowed })}
        />
      </section>
    </div>
  );
}

/** A step says first on which host it was. */
const withoutHost = (reason: string, host: string): string =>
  reason.startsWith(`${host}: `) ? reason.slice(host.length + 2) : reason;

/** The hosts that failed, with why. */
export function FailedHosts({ rollout: { failed } }: { rollout: RolloutView }) {
  const word = useWords();
  if (failed.length === 0) return null;
  return (
    <section aria-labelledby="rollout-failed" className="card space-y-1 p-3">
      <h2 id="rollout-failed" className="font-semibold">
        {word('rollout.failedTitle')}
      </h2>
      <ul className="space-y-1">
        {failed.map(({ host, reason }) => (
          <li key={host} data-failed={host} className="min-w-0 break-words">
            <Link to="/hosts/$host" params={{ host }} className="text-accent underline underline-offset-2">
              {host}
            </Link>{' '}
            <span className="text-soft">{withoutHost(reason, host)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
