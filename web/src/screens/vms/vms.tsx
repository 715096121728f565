import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { VmView } from '../../../../src/api/vm.ts';
import { useVms } from '../../api/fleet.ts';
import { memoryText } from '../../parts/capacity.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { TextInput } from '../../parts/field.tsx';
import { useNarrow } from '../../parts/narrow.ts';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords, type word as Word } from '../../words/words.ts';
import { VmStateBadge } from './vm-state.tsx';

const nameOf = ({ name }: VmView): string => name;
const narrowRow = (vm: VmView) => <NarrowVm vm={vm} />;

/** Every VM. */
export function Vms() {
  const word = useWords();
  const narrow = useNarrow();
  const navigate = useNavigate({ from: '/vms' });
  const { find = '' } = useSearch({ from: '/vms' });
  const { data, error, refetch } = useVms();
  useCommand('coax vm ls');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with the language
  const columns = useMemo(() => columnsOf(word), [word, word('vm.name')]);
  const rows = useMemo(() => vmsLike(data?.items ?? [], find), [data, find]);
  return (
    <Screen
      fill
      title={word('nav.vms')}
      actions={
        <div className="ml-auto flex items-center gap-3">
          <span role="status" className="text-soft">
            {word('list.count', { n: rows.length })}
          </span>
          <TextInput
            type="search"
            aria-label={word('list.find')}
            placeholder={word('list.find')}
            className="w-44!"
            value={find}
            onChange={({ target: { value } }) =>
              void navigate({ search: value === '' ? {} : { find: value }, replace: true })
            }
          />
        </div>
      }
    >
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      <div className="card relative min-h-0 flex-1 overflow-hidden">
        {data === undefined ? (
          !error && <Loading />
        ) : rows.length === 0 ? (
          <Empty title={word(find === '' ? 'vms.none' : 'list.noneFit')}>
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
          />
        )}
      </div>
    </Screen>
  );
}

/** Those whose name, host, address or state holds the text. */
function vmsLike(vms: readonly VmView[], text: string): readonly VmView[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return vms;
  return vms.filter(({ name, host, ip, state }) =>
    [name, host, ip ?? '', state].some(field => field.toLowerCase().includes(wanted)),
  );
}

function columnsOf(word: typeof Word): Column<VmView>[] {
  return [
    { name: 'name', head: word('vm.name'), width: 'minmax(9rem,2fr)', cell: vm => <VmLink vm={vm} /> },
    { name: 'state', head: word('vm.state'), width: '7rem', cell: vm => <VmStateBadge state={vm.state} /> },
    { name: 'host', head: word('vm.host'), width: 'minmax(8rem,1fr)', cell: ({ host }) => host },
    { name: 'ip', head: word('vm.address'), width: '9rem', cell: ({ ip }) => ip ?? '' },
    { name: 'cpu', head: word('vm.cpu'), width: '4rem', right: true, cell: ({ cpu }) => cpu },
    {
      name: 'mem',
      head: word('vm.memory'),
      width: '6rem',
      right: true,
      cell: ({ memMib }) => memoryText(memMib),
    },
    { name: 'project', head: word('vm.project'), width: 'minmax(6rem,1fr)', cell: ({ project }) => project },
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
    <div className="grid gap-1">
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
