import { useMemo } from 'react';
import type { FleetMapView } from '../../../../src/api/host.ts';
import { useWords } from '../../words/words.ts';
import type { GroupBy } from './heat-layout.ts';

interface GroupRow {
  readonly name: string;
  readonly hosts: number;
  /** Hosts in each of the map's states. */
  readonly states: readonly number[];
  /** Mean percentages of what may be claimed. */
  readonly cpu: number;
  readonly mem: number;
}

/** What the map shows, for who cannot see it: a line for each group. */
export function HeatTable({ map, group }: { map: FleetMapView; group: GroupBy }) {
  const word = useWords();
  const rows = useMemo(() => groupRows(map, group), [map, group]);
  return (
    <div className="max-h-96 overflow-auto">
      <table className="mt-2 w-full text-left">
        <caption className="sr-only">{word('heat.table')}</caption>
        <thead className="text-xs text-soft">
          <tr>
            <th className="py-1 pr-3 font-medium">{word(group === 'zone' ? 'host.zone' : 'host.rack')}</th>
            <th className="py-1 pr-3 text-right font-medium">{word('heat.hosts')}</th>
            {(['up', 'draining', 'down', 'lost'] as const).map(state => (
              <th key={state} className="py-1 pr-3 text-right font-medium">
                {word(`host.${state}`)}
              </th>
            ))}
            <th className="py-1 pr-3 text-right font-medium">{word('vm.cpu')} %</th>
            <th className="py-1 text-right font-medium">{word('vm.memory')} %</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, hosts, states, cpu, mem }) => (
            <tr key={name} className="border-t border-line/60">
              <th scope="row" className="py-1 pr-3 font-medium">
                {name || '–'}
              </th>
              <td className="py-1 pr-3 text-right">{hosts.toLocaleString('en')}</td>
              {map.states.map((state, index) => (
                <td key={state} className="py-1 pr-3 text-right">
                  {states[index]!.toLocaleString('en')}
                </td>
              ))}
              <td className="py-1 pr-3 text-right">{cpu}</td>
              <td className="py-1 text-right">{mem}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function groupRows(map: FleetMapView, group: GroupBy): GroupRow[] {
  const names = group === 'zone' ? map.zones : map.racks;
  const groupOf = group === 'zone' ? map.zone : map.rack;
  const sums = names.map(name => ({ name, hosts: 0, states: map.states.map(() => 0), cpu: 0, mem: 0 }));
  for (let host = 0; host < map.name.length; host++) {
    const sum = sums[groupOf[host]!]!;
    sum.hosts += 1;
    sum.states[map.state[host]!]! += 1;
    sum.cpu += Math.max(0, map.cpu[host]!);
    sum.mem += Math.max(0, map.mem[host]!);
  }
  return sums
    .map(({ cpu, mem, ...sum }) => ({
      ...sum,
      cpu: Math.round(cpu / sum.hosts / 10),
      mem: Math.round(mem / sum.hosts / 10),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}
