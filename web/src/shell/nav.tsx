import { Link } from '@tanstack/react-router';
import { useCounts } from '../api/counts.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import type { WordName } from '../words/en.ts';
import { useWords } from '../words/words.ts';

interface Screen {
  readonly to: string;
  readonly word: WordName;
  readonly icon: IconName;
}

const SCREENS: readonly Screen[] = [
  { to: '/', word: 'nav.overview', icon: 'overview' },
  { to: '/messages', word: 'nav.messages', icon: 'messages' },
  { to: '/create', word: 'nav.create', icon: 'create' },
  { to: '/hosts', word: 'nav.hosts', icon: 'hosts' },
  { to: '/vms', word: 'nav.vms', icon: 'vms' },
  { to: '/packages', word: 'nav.packages', icon: 'packages' },
  { to: '/webhooks', word: 'nav.webhooks', icon: 'webhooks' },
];

/** The screens: beside the content, or beneath it on a telephone. */
export function Nav() {
  const word = useWords();
  const { parked = 0, approval = 0 } = useCounts().data ?? {};
  const needs = parked + approval;
  return (
    <nav aria-label={word('nav.label')} className="flex justify-around gap-0.5 md:flex-col md:justify-start">
      {SCREENS.map(({ to, word: name, icon }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: to === '/', includeSearch: false }}
          activeProps={{ className: 'bg-accent-soft text-accent' }}
          inactiveProps={{ className: 'text-soft hover:bg-sunk hover:text-ink' }}
          className="relative flex min-w-12 flex-col items-center gap-0.5 rounded-md px-1 py-1.5 md:px-2.5 text-2xs font-medium md:flex-row md:gap-2.5 md:text-sm"
        >
          <Icon name={icon} />
          {word(name)}
          {to === '/' && needs > 0 && (
            <span
              title={word('nav.needs', { parked, approval })}
              className="absolute top-0.5 right-1 rounded-full bg-bad-soft px-1.5 text-2xs leading-4 font-semibold text-bad md:static md:ml-auto"
            >
              {needs}
            </span>
          )}
        </Link>
      ))}
    </nav>
  );
}
