import { useNavigate } from '@tanstack/react-router';
import { awaitsPerson } from '../../api/approvals.ts';
import { Badge, StatusBadge } from '../../parts/badge.tsx';
import type { Column } from '../../parts/table.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords, type word as Word } from '../../words/words.ts';
import type { MessageRow } from './message-list.ts';
import { Progress } from './progress.tsx';

/** The columns of the list of messages, in the language of the page. */
export function messageColumns(word: typeof Word): Column<MessageRow>[] {
  return [
    { name: 'msgid', head: word('messages.msgid'), width: '5.5rem', cell: row => <MessageLink row={row} /> },
    { name: 'flow', head: word('messages.flow'), width: 'minmax(8rem,14rem)', cell: ({ flow }) => flow },
    {
      name: 'status',
      head: word('messages.status'),
      width: '6.5rem',
      cell: row => <RowStatus row={row} />,
    },
    {
      name: 'step',
      head: word('messages.step'),
      width: 'minmax(15rem,2fr)',
      cell: row => <Progress row={row} />,
    },
    { name: 'note', head: word('messages.note'), width: 'minmax(8rem,2fr)', cell: row => <Note row={row} /> },
    {
      name: 'updated',
      head: word('messages.updated'),
      width: '5.5rem',
      right: true,
      cell: ({ updated }) => <Age at={updated} />,
    },
  ];
}

/** A plain link: the router's own works out where it leads at each drawing, which thousands of rows a minute do not need. */
function MessageLink({ row: { msgid } }: { row: MessageRow }) {
  const navigate = useNavigate();
  return (
    <a
      href={`/messages/${msgid}`}
      onClick={event => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        void navigate({ to: '/messages/$msgid', params: { msgid: String(msgid) } });
      }}
      className="font-mono text-accent after:absolute after:inset-0"
    >
      {msgid}
    </a>
  );
}

function RowStatus({ row }: { row: MessageRow }) {
  const word = useWords();
  return awaitsPerson(row) ? (
    <Badge tone="bad">{word('status.approval')}</Badge>
  ) : (
    <StatusBadge status={row.status} />
  );
}

/** What keeps it, or what turned it back. */
function Note({ row }: { row: MessageRow }) {
  const text = row.undoError?.reason ?? row.error?.reason ?? row.waitingFor ?? '';
  return (
    <span title={text} className={row.undoError ? 'text-bad' : 'text-soft'}>
      {text}
    </span>
  );
}

/** A message on a telephone: two lines. */
export function NarrowRow({ row }: { row: MessageRow }) {
  return (
    <div className="grid grid-cols-1 gap-1">
      <div className="flex items-center gap-2">
        <MessageLink row={row} />
        <span className="min-w-0 flex-1 truncate">{row.flow}</span>
        <RowStatus row={row} />
      </div>
      <div className="flex items-center gap-2 text-xs text-soft">
        <span className="min-w-0 flex-1 truncate">
          <Progress row={row} />
        </span>
        <Age at={row.updated} />
      </div>
    </div>
  );
}
