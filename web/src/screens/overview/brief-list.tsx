import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useId } from 'react';
import type { MessagePage, MessageView } from '../../../../src/api/message.ts';
import { refreshSoon } from '../../api/cache.ts';
import { useLive } from '../../api/live.ts';
import { get } from '../../api/request.ts';
import { Icon } from '../../parts/icon.tsx';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Age } from '../../parts/time/age.tsx';
import type { WordName } from '../../words/en.ts';
import { useWords } from '../../words/words.ts';

const READ_MS = 500;

type BriefStatus = 'parked' | 'rolled_back';

const keyOf = (status: BriefStatus) => ['messages', 'brief', status];

/** The newest of one status; branches of groups only where a person must decide about each. */
export const briefQuery = (status: BriefStatus, limit: number) => ({
  queryKey: keyOf(status),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    get<MessagePage>('/v1/messages', { status, children: status === 'parked', limit }, signal),
});

/** Reads them anew when an event tells of one that is, or was, among them. */
export function useBriefEvents(status: BriefStatus, data: MessagePage | undefined): void {
  useLive(({ events }) => {
    const shown = new Set(data?.items.map(({ msgid }) => msgid));
    const touches = events.some(({ message }) => message.status === status || shown.has(message.msgid));
    if (touches) refreshSoon(keyOf(status), READ_MS);
  });
}

interface BriefListProps {
  readonly status: BriefStatus;
  readonly title: WordName;
  readonly none: WordName;
  /** How many at most. */
  readonly shown: number;
}

/** The newest messages of one status, with what stopped them. */
export function BriefList({ status, title, none, shown: limit }: BriefListProps) {
  const word = useWords();
  const id = useId();
  const { data, error, refetch } = useQuery(briefQuery(status, limit));
  useBriefEvents(status, data);
  return (
    <section aria-labelledby={id} className="card p-3">
      <h2 id={id} className="flex items-baseline justify-between gap-2 font-semibold">
        {word(title)}
        {data?.next !== undefined && (
          <Link
            to="/messages"
            search={{ status }}
            className="text-xs font-normal text-accent hover:underline"
          >
            {word('parked.all')}
          </Link>
        )}
      </h2>
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loading />}
      {data?.items.length === 0 && (
        <p className="mt-2 flex items-center gap-2 text-soft">
          <Icon name="check" />
          {word(none)}
        </p>
      )}
      <ul className="mt-1 divide-y divide-line/60">
        {data?.items.map(message => (
          <BriefItem key={message.msgid} message={message} />
        ))}
      </ul>
    </section>
  );
}

/** One message in a line and what stopped it. */
export function BriefItem({ message }: { message: MessageView }) {
  const { msgid, flow, error, undoError, updated, steps, cursor, cause, status } = message;
  const word = useWords();
  const reason = undoError?.reason ?? error?.reason ?? (cause === null ? '' : word(`cause.${cause}`));
  return (
    <li className="relative py-2 hover:bg-sunk/60" data-brief={msgid}>
      <div className="flex items-baseline gap-2">
        <Link
          to="/messages/$msgid"
          params={{ msgid: String(msgid) }}
          className="font-mono text-accent after:absolute after:inset-0"
        >
          {msgid}
        </Link>
        <span className="min-w-0 truncate">
          {flow}
          {status === 'parked' && ` · ${steps[cursor]?.step}`}
        </span>
        <span className="ml-auto text-xs text-faint">
          <Age at={updated} />
        </span>
      </div>
      <p className={`truncate text-xs ${status === 'parked' ? 'text-bad' : 'text-soft'}`} title={reason}>
        {reason}
      </p>
    </li>
  );
}
