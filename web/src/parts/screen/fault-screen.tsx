import { Link } from '@tanstack/react-router';
import type { WordName } from '../../words/en.ts';
import { useWords } from '../../words/words.ts';
import { ProblemNotice } from '../notice.tsx';
import { usePageTitle } from './page-title.ts';

/** The lists that lead on from something that is not there. */
const LISTS = {
  '/messages': 'nav.messages',
  '/create': 'nav.create',
  '/hosts': 'nav.hosts',
  '/vms': 'nav.vms',
  '/webhooks': 'nav.webhooks',
  '/packages': 'nav.packages',
} as const satisfies Record<string, WordName>;

interface FaultScreenProps {
  /** What was asked for, as its address names it. */
  readonly name: string;
  /** The list that it would be in. */
  readonly list: keyof typeof LISTS;
  readonly error: Error;
  readonly onRetry: () => void;
}

/** In the place of a screen whose thing is not there or cannot be read: why, and ways on. */
export function FaultScreen({ name, list, error, onRetry }: FaultScreenProps) {
  const word = useWords();
  usePageTitle(name, word(LISTS[list]));
  return (
    <div className="mx-auto max-w-2xl space-y-3 p-4">
      <h1 className="text-lg font-semibold tracking-tight wrap-anywhere">{name}</h1>
      <ProblemNotice error={error} onRetry={onRetry} />
      <p>
        <Link to={list} className="text-accent underline underline-offset-2">
          ← {word(LISTS[list])}
        </Link>
      </p>
    </div>
  );
}
