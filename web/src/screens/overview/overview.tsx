import { Link } from '@tanstack/react-router';
import { useCounts } from '../../api/counts.ts';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Screen } from '../../parts/screen.tsx';
import { useWords } from '../../words/words.ts';
import { STATUSES } from '../messages/filters.ts';

/** What goes on, and what needs a person. */
export function Overview() {
  const word = useWords();
  const counts = useCounts().data;
  useCommand('coax status');
  return (
    <Screen title={word('nav.overview')}>
      <ul className="grid grid-cols-2 gap-2 sm:grid-cols-3 lg:grid-cols-6">
        {STATUSES.map(status => (
          <li key={status} className="card relative px-3 py-2 hover:border-edge">
            <Link
              to="/messages"
              search={{ status }}
              className="text-xs text-soft after:absolute after:inset-0"
            >
              {word(`status.${status}`)}
            </Link>
            <div className="text-xl font-semibold">{(counts?.[status] ?? 0).toLocaleString('en')}</div>
          </li>
        ))}
      </ul>
    </Screen>
  );
}
