import { Link } from '@tanstack/react-router';
import { useCounts } from '../../api/counts.ts';
import { useMay } from '../../api/whoami.ts';
import { STATUS_TONES, type Tone } from '../../parts/badge.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useWords } from '../../words/words.ts';
import { STATUSES } from '../messages/filters.ts';
import { BriefList } from './brief-list.tsx';
import { HeatMap } from './heat-map.tsx';
import { NeedsPerson } from './needs-person.tsx';
import { RateChart } from './rate-chart.tsx';

const NUMBERS: Readonly<Record<Tone, string>> = {
  neutral: 'text-ink',
  good: 'text-good',
  busy: 'text-busy',
  wait: 'text-wait',
  back: 'text-back',
  bad: 'text-bad',
};

/** What goes on, and what needs a person. */
export function Overview() {
  const word = useWords();
  const counts = useCounts().data;
  // Hosts are of the whole installation.
  const seesHosts = useMay('view', '*');
  useCommand('coax status');
  return (
    <Screen title={word('nav.overview')}>
      <ul className="grid grid-cols-3 gap-2 lg:grid-cols-6">
        {STATUSES.map(status => {
          const count = counts?.[status] ?? 0;
          return (
            <li key={status} className="card relative px-3 py-2 hover:border-edge">
              <Link
                to="/messages"
                search={{ status }}
                className="text-xs text-soft after:absolute after:inset-0 after:rounded-lg"
              >
                {word(`status.${status}`)}
              </Link>
              <div
                data-count={status}
                className={`text-xl font-semibold ${count === 0 ? 'text-faint' : NUMBERS[STATUS_TONES[status]]}`}
              >
                {count.toLocaleString('en')}
              </div>
            </li>
          );
        })}
      </ul>
      <div className="grid grid-cols-1 items-start gap-3 lg:grid-cols-2">
        <div className="grid grid-cols-1 gap-3">
          <NeedsPerson />
          <RateChart />
        </div>
        <BriefList status="rolled_back" title="back.title" none="back.none" shown={5} />
      </div>
      {seesHosts && <HeatMap />}
    </Screen>
  );
}
