import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { VmView } from '../../../../src/api/vm.ts';
import { useVmList, type VmFilters } from '../../api/fleet.ts';
import { memoryText } from '../../parts/capacity.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { shellWord } from '../../parts/command/shell-word.ts';
import { SelectorInput, TextInput } from '../../parts/field.tsx';
import { useNarrow } from '../../parts/narrow.ts';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords, type word as Word } from '../../words/words.ts';
import { readVmFilters } from './vm-filters.ts';
import { VmStateBadge } from './vm-state.tsx';

const nameOf = ({ name }: VmView): string => name;
const narrowRow = (vm: VmView) => <NarrowVm vm={vm} />;

/** Every VM. */
export function Vms() {
  const word = useWords();
  const narrow = useNarrow();
  const filters = useSearch({ from: '/vms' });
  const { rows, error, refetch, more, hasMore } = useVmList(filters);
  useCommand(lsCommand(filters));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with the language
  const columns = useMemo(() => columnsOf(word), [word, word('vm.name')]);
  return (
    <Screen
      fill
      title={word('nav.vms')}
      actions={<Filters filters={filters} found={rows?.length ?? 0} hasMore={hasMore} />}
    >
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      <div className="card relative min-h-0 flex-1 overflow-hidden">
        {rows === undefined ? (
          !error && <Loading />
        ) : rows.length === 0 ? (
          <Empty title={word(filters.find || filters.selector ? 'list.noneFit' : 'vms.none')}>
            <code className="font-mono text-xs">coax run create_vm cpu=1 mem=128</code>
          </Empty>
        ) : (
          <Table
            label={word('nav.vms')}
            columns={columns}
            rows={rows}
            keyOf={nameOf}
            narrow={narrowRow}
            isNarrow={narrow}
            onEnd={more}
          />
        )}
      </div>
    </Screen>
  );
}

interface FiltersProps {
  readonly filters: VmFilters;
  readonly found: number;
  readonly hasMore: boolean;
}

function Filters({ filters, found, hasMore }: FiltersProps) {
  const word = useWords();
  const navigate = useNavigate({ from: '/vms' });
  const change = (next: VmFilters): void =>
    void navigate({ search: readVmFilters({ ...filters, ...next }), replace: true });
  return (
    <div className="ml-auto flex flex-wrap items-center gap-3">
      <span role="status" className="text-soft">
        {word(hasMore ? 'list.more' : 'list.count', { n: found })}
      </span>
      <SelectorInput
        label={word('messages.labels')}
        selector={filters.selector ?? ''}
        onSelector={selector => change({ selector })}
      />
      <FindInput find={filters.find ?? ''} onFind={find => change({ find })} />
    </div>
  );
}

const TYPING_MS = 200;

/** Asks the server when somebody has stopped typing, not at each letter. */
function FindInput({ find, onFind }: { find: string; onFind: (find: string) => void }) {
  const word = useWords();
  const [text, setText] = useState(find);
  const timer = useRef(0);
  useEffect(() => setText(find), [find]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <TextInput
      type="search"
      aria-label={word('list.find')}
      placeholder={word('list.find')}
      className="w-44!"
      value={text}
      onChange={({ target: { value } }) => {
        setText(value);
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => onFind(value.trim()), TYPING_MS);
      }}
    />
  );
}

const lsCommand = ({ find, selector }: VmFilters): string =>
  ['coax vm ls', find && `--find ${shellWord(find)}`, selector && `-l ${shellWord(selector)}`]
    .filter(Boolean)
    .join(' ');

function columnsOf(word: typeof Word): Column<VmView>[] {
  return [
    { name: 'name', head: word('vm.name'), width: 'minmax(9rem,2fr)', cell: vm => <VmLink vm={vm} /> },
    { name: 'state', head: word('vm.state'), width: '7rem', cell: vm => <VmStateBadge state={vm.state} /> },
    { name: 'host', head: word('vm.host'), width: 'minmax(8rem,1fr)', cell: ({ host }) => host },
    { name: 'ip', head: word('vm.address'), width: '9rem', cell: ({ ip }) => ip ?? '' },
    { name: 'project', head: word('vm.project'), width: 'minmax(6rem,1fr)', cell: ({ project }) => project },
    { name: 'cpu', head: word('vm.cpu'), width: '4rem', right: true, cell: ({ cpu }) => cpu },
    {
      name: 'mem',
      head: word('vm.memory'),
      width: '6rem',
      right: true,
      cell: ({ memMib }) => memoryText(memMib),
    },
    {
      name: 'created',
      head: word('vm.age'),
      width: '5.5rem',
      right: true,
      cell: ({ created }) => <Age at={created} />,
    },
  ];
}

function VmLink({ vm }: { vm: VmView }) {
  return (
    <Link
      to="/vms/$vm"
      params={{ vm: vm.name }}
      preload={false}
      className="font-medium text-accent after:absolute after:inset-0"
    >
      {vm.name}
    </Link>
  );
}

function NarrowVm({ vm }: { vm: VmView }) {
  return (
    <div className="grid grid-cols-1 gap-1">
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate">
          <VmLink vm={vm} />
        </span>
        <VmStateBadge state={vm.state} />
      </div>
      <div className="flex items-center gap-2 text-xs text-soft">
        <span className="min-w-0 flex-1 truncate">
          {vm.host} · {vm.ip}
        </span>
        {vm.cpu} × {memoryText(vm.memMib)}
      </div>
    </div>
  );
}
