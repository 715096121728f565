import { useSyncExternalStore } from 'react';
import { BUCKET_MS, BUCKETS, RATE_NAMES, type RateName, rates } from '../../api/rates.ts';
import { lengthText, useNow } from '../../parts/time/clock.ts';
import { useWords } from '../../words/words.ts';

const LOOKS: Readonly<Record<RateName, { readonly bar: string; readonly dot: string }>> = {
  accepted: { bar: '', dot: 'bg-edge' },
  done: { bar: 'fill-good', dot: 'bg-good' },
  rolled_back: { bar: 'fill-back', dot: 'bg-back' },
  parked: { bar: 'fill-bad', dot: 'bg-bad' },
};
const ENDED: readonly RateName[] = ['done', 'rolled_back', 'parked'];
const HEIGHT = 48;

/** How many messages came, and how many ended in which way, in the last five minutes. */
export function RateChart() {
  const word = useWords();
  const { buckets, since } = useSyncExternalStore(rates.watch, rates.state);
  const now = useNow();
  const heard = Math.min(BUCKETS * BUCKET_MS, Math.max(1000, now - since));
  const sums = Object.fromEntries(
    RATE_NAMES.map(name => [name, buckets.reduce((sum, bucket) => sum + bucket[name], 0)]),
  ) as Record<RateName, number>;
  const most = Math.max(1, ...buckets.map(bucket => ENDED.reduce((sum, name) => sum + bucket[name], 0)));
  const perMinute = (name: RateName): string => {
    const rate = (sums[name] / heard) * 60_000;
    return rate >= 10 ? Math.round(rate).toLocaleString('en') : rate.toFixed(1);
  };
  return (
    <section aria-labelledby="rates" className="card p-3">
      <h2 id="rates" className="flex items-baseline gap-2 font-semibold">
        {word('rates.title')}
        <span className="text-xs font-normal text-faint">
          {since > 0 && word('rates.since', { length: lengthText(heard, word) })}
        </span>
      </h2>
      <dl className="mt-2 grid grid-cols-2 gap-2 sm:grid-cols-4">
        {RATE_NAMES.map(name => (
          <div key={name}>
            <dt className="flex items-center gap-1.5 text-xs text-soft">
              <span aria-hidden="true" className={`size-2 rounded-sm ${LOOKS[name].dot}`} />
              {word(name === 'accepted' ? 'rates.accepted' : `status.${name}`)}
            </dt>
            <dd className="text-lg font-semibold" data-rate={name}>
              {perMinute(name)}{' '}
              <span className="text-xs font-normal text-faint">{word('rates.perMinute')}</span>
            </dd>
          </div>
        ))}
      </dl>
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${BUCKETS * 4} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="mt-2 h-14 w-full border-b"
      >
        {buckets.map((bucket, index) => {
          let top = HEIGHT;
          return ENDED.map(name => {
            const height = (bucket[name] / most) * HEIGHT;
            top -= height;
            return height === 0 ? null : (
              <rect
                // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
                key={`${index} ${name}`}
                x={index * 4}
                y={top}
                width="3"
                height={height}
                className={LOOKS[name].bar}
              />
            );
          });
        })}
      </svg>
    </section>
  );
}
