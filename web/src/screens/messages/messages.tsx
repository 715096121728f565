import { useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { Button } from '../../parts/button.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { useNarrow } from '../../parts/narrow.ts';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { Table } from '../../parts/table.tsx';
import { useWords } from '../../words/words.ts';
import { messageColumns, NarrowRow } from './columns.tsx';
import { FilterBar } from './filter-bar.tsx';
import { type Filters, isFiltered, lsCommand } from './filters.ts';
import { MessageList, type MessageRow } from './message-list.ts';

const msgidOf = ({ msgid }: MessageRow): number => msgid;
const narrowRow = (row: MessageRow) => <NarrowRow row={row} />;

/** All messages, newest first, as they change. */
export function Messages() {
  const filters = useSearch({ from: '/messages' });
  useCommand(lsCommand(filters));
  // Another filter is another list, and begins at its top.
  return <ListOf key={JSON.stringify(filters)} filters={filters} />;
}

function ListOf({ filters }: { filters: Filters }) {
  const word = useWords();
  const narrow = useNarrow();
  const list = useMemo(() => new MessageList(filters), [filters]);
  useEffect(() => list.start(), [list]);
  const { rows, held, loading, error } = useSyncExternalStore(list.watch, list.state);
  const [paused, setPaused] = useState(false);
  const [atTop, setAtTop] = useState(true);
  useEffect(() => list.hold(paused || !atTop), [list, paused, atTop]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with the language
  const columns = useMemo(() => messageColumns(word), [word, word('messages.flow')]);
  return (
    <Screen
      fill
      title={word('nav.messages')}
      actions={
        <div className="ml-auto flex items-center gap-2">
          {held > 0 && (
            <span className="text-xs text-soft" role="status">
              {word('messages.held', { n: held })}
            </span>
          )}
          {!filters.archived && (
            <Button icon={paused ? 'play' : 'pause'} aria-pressed={paused} onClick={() => setPaused(!paused)}>
              {word(paused ? 'messages.resume' : 'messages.pause')}
            </Button>
          )}
        </div>
      }
    >
      <FilterBar filters={filters} />
      {error && <ProblemNotice error={error} onRetry={() => list.again()} />}
      <div className="card relative min-h-0 flex-1 overflow-hidden">
        {rows.length === 0 && !loading && !error ? (
          <Empty title={word(isFiltered(filters) ? 'messages.noneFit' : 'messages.none')}>
            <code className="font-mono text-xs">{lsCommand(filters)}</code>
          </Empty>
        ) : rows.length === 0 ? (
          <Loading />
        ) : (
          <Table
            label={word('nav.messages')}
            columns={columns}
            rows={rows}
            keyOf={msgidOf}
            narrow={narrowRow}
            isNarrow={narrow}
            onEnd={() => list.more()}
            onTop={setAtTop}
          />
        )}
      </div>
    </Screen>
  );
}
