import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { FleetMapView } from '../../../../src/api/host.ts';
import { useFleetMap } from '../../api/fleet.ts';
import { Share } from '../../parts/capacity.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { shellWord } from '../../parts/command/shell-word.ts';
import { Select, SelectorInput, TextInput } from '../../parts/field.tsx';
import { useNarrow } from '../../parts/narrow.ts';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import type { WordName } from '../../words/en.ts';
import { useWords, type word as Word } from '../../words/words.ts';
import { HOST_STATES, type HostFilters, hostsLike, readHostFilters } from './host-filters.ts';
import { HostStateBadge } from './host-state.tsx';

/** A host is its place in the columns of the map: a hundred thousand of them need no objects. */
type Row = number;
const keyOf = (row: Row): number => row;

/** Every host. */
export function Hosts() {
  const word = useWords();
  const narrow = useNarrow();
  const filters = useSearch({ from: '/hosts' });
  const { data: map, error, refetch } = useFleetMap(filters.selector);
  useCommand(filters.selector ? `coax host ls -l ${shellWord(filters.selector)}` : 'coax host ls');
  const rows = useMemo(() => (map === undefined ? [] : hostsLike(map, filters)), [map, filters]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with the language
  const columns = useMemo(() => (map ? columnsOf(map, word) : []), [map, word, word('vm.name')]);
  const narrowRow = useMemo(() => (row: Row) => (map ? <NarrowHost map={map} row={row} /> : null), [map]);
  return (
    <Screen fill title={word('nav.hosts')} actions={<Filters filters={filters} found={rows.length} />}>
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      <div
        className="card relative min-h-0 flex-1 overflow-hidden"
        hidden={map === undefined && error !== null}
      >
        {map === undefined ? (
          <Loading />
        ) : rows.length === 0 ? (
          <Empty title={word(map.name.length === 0 && !filters.selector ? 'hosts.none' : 'list.noneFit')}>
            <code className="font-mono text-xs">coax host token</code>
          </Empty>
        ) : (
          <Table
            label={word('nav.hosts')}
            columns={columns}
            rows={rows}
            keyOf={keyOf}
            narrow={narrowRow}
            isNarrow={narrow}
          />
        )}
      </div>
    </Screen>
  );
}

function Filters({ filters, found }: { filters: HostFilters; found: number }) {
  const word = useWords();
  const navigate = useNavigate({ from: '/hosts' });
  const change = (next: HostFilters): void =>
    void navigate({ search: readHostFilters({ ...filters, ...next }), replace: true });
  return (
    <div className="flex flex-wrap items-center gap-3 md:ml-auto">
      <span role="status" className="text-soft">
        {word('list.count', { n: found })}
      </span>
      <Select
        aria-label={word('vm.state')}
        className="w-auto!"
        value={filters.state ?? ''}
        onChange={event => change({ state: event.target.value })}
      >
        <option value="">{word('hosts.anyState')}</option>
        {HOST_STATES.map(state => (
          <option key={state} value={state}>
            {word(`host.${state}` as WordName)}
          </option>
        ))}
      </Select>
      <SelectorInput
        label={word('messages.labels')}
        selector={filters.selector ?? ''}
        onSelector={selector => change({ selector })}
      />
      <TextInput
        type="search"
        aria-label={word('list.find')}
        placeholder={word('list.find')}
        className="w-44!"
        value={filters.find ?? ''}
        onChange={event => change({ find: event.target.value })}
      />
    </div>
  );
}

function columnsOf(map: FleetMapView, word: typeof Word): Column<Row>[] {
  return [
    {
      name: 'name',
      head: word('vm.name'),
      width: 'minmax(9rem,2fr)',
      cell: row => <HostLink name={map.name[row]!} />,
    },
    {
      name: 'state',
      head: word('vm.state'),
      width: '7rem',
      cell: row => <HostStateBadge state={map.states[map.state[row]!]!} />,
    },
    ...(Object.keys(map.reasons).length > 0 ? [reasonColumn(map, word)] : []),
    {
      name: 'zone',
      head: word('host.zone'),
      width: 'minmax(6rem,1fr)',
      cell: row => map.zones[map.zone[row]!],
    },
    {
      name: 'rack',
      head: word('host.rack'),
      width: 'minmax(6rem,1fr)',
      cell: row => map.racks[map.rack[row]!],
    },
    {
      name: 'cpu',
      head: word('vm.cpu'),
      width: '8.5rem',
      cell: row => <Share thousandths={map.cpu[row]!} />,
    },
    {
      name: 'mem',
      head: word('vm.memory'),
      width: '8.5rem',
      cell: row => <Share thousandths={map.mem[row]!} />,
    },
    { name: 'vms', head: word('nav.vms'), width: '4rem', right: true, cell: row => map.vms[row] },
  ];
}

/** Why a host is not up: only where there is one of which something is told. */
function reasonColumn(map: FleetMapView, word: typeof Word): Column<Row> {
  return {
    name: 'reason',
    head: word('verb.reason'),
    width: 'minmax(9rem,3fr)',
    cell: row => {
      const reason = map.reasons[map.name[row]!];
      return reason && <span title={reason}>{reason}</span>;
    },
  };
}

function HostLink({ name }: { name: string }) {
  return (
    <Link
      to="/hosts/$host"
      params={{ host: name }}
      preload={false}
      className="font-medium text-accent after:absolute after:inset-0"
    >
      {name}
    </Link>
  );
}

function NarrowHost({ map, row }: { map: FleetMapView; row: Row }) {
  const word = useWords();
  return (
    <div className="grid grid-cols-1 gap-1">
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate">
          <HostLink name={map.name[row]!} />
        </span>
        <HostStateBadge state={map.states[map.state[row]!]!} />
      </div>
      <div className="flex items-center gap-3 text-xs text-soft">
        <span className="min-w-0 flex-1 truncate">
          {map.reasons[map.name[row]!] ?? `${map.zones[map.zone[row]!]} ${map.racks[map.rack[row]!]}`}
        </span>
        {word('vm.cpu')} <Share thousandths={map.cpu[row]!} />
      </div>
    </div>
  );
}
