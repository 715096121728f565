// biome-ignore-all lint/a11y/useSemanticElements: a fieldset may not stand in a listbox
// biome-ignore-all lint/a11y/useFocusableInteractive: the list has the focus, and says which option is active
import { type KeyboardEvent, useId, useMemo, useRef, useState } from 'react';
import { useHosts } from '../../api/hosts.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';
import { cellsOf, type FleetCell, loadOf } from './fleet-cells.ts';

const STATE_TONES: Readonly<Record<FleetCell['state'], Tone>> = {
  up: 'good',
  draining: 'back',
  down: 'bad',
  lost: 'bad',
};
const percent = (part: number): string => `${Math.round(part * 100)} %`;

/** A square a host, darker the fuller it is; what is not up is marked. One stop for Tab, arrows between the squares. */
export function FleetMap() {
  const word = useWords();
  const { data, error, refetch } = useHosts();
  const cells = useMemo(() => cellsOf(data?.items ?? []), [data]);
  const [picked, setPicked] = useState(0);
  const cell = cells[Math.min(picked, cells.length - 1)];
  return (
    <section aria-labelledby="fleet" className="card p-3">
      <h2 id="fleet" className="flex flex-wrap items-baseline justify-between gap-2 font-semibold">
        <span>
          {word('fleet.title')}{' '}
          <span className="text-xs font-normal text-faint">
            {word('fleet.hosts', { n: data?.items.length ?? 0 })}
          </span>
        </span>
        <Legend />
      </h2>
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loading />}
      {data?.items.length === 0 && <p className="mt-2 text-soft">{word('fleet.none')}</p>}
      {cell && (
        <>
          <Squares cells={cells} picked={cells.indexOf(cell)} onPick={setPicked} />
          <CellFacts cell={cell} />
        </>
      )}
    </section>
  );
}

function Squares(props: { cells: readonly FleetCell[]; picked: number; onPick: (index: number) => void }) {
  const { cells, picked, onPick } = props;
  const word = useWords();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const zones = [
    ...Map.groupBy(
      cells.map((cell, index) => ({ cell, index })),
      ({ cell }) => cell.zone,
    ),
  ];
  const onKeyDown = (event: KeyboardEvent): void => {
    const first = list.current?.querySelector<HTMLElement>('[role=option]');
    const across = first ? Math.max(1, Math.floor(first.parentElement!.clientWidth / first.offsetWidth)) : 1;
    const to = {
      ArrowRight: picked + 1,
      ArrowLeft: picked - 1,
      ArrowDown: picked + across,
      ArrowUp: picked - across,
      Home: 0,
      End: cells.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onPick(Math.min(cells.length - 1, Math.max(0, to)));
  };
  return (
    <div
      ref={list}
      role="listbox"
      aria-label={word('fleet.title')}
      aria-activedescendant={`${id}-${picked}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      className="mt-2 max-h-64 space-y-2 overflow-auto p-0.5"
    >
      {zones.map(([zone, inside]) => (
        <div key={zone} role="group" aria-label={word('fleet.zone', { zone })}>
          {zones.length > 1 && <div className="text-2xs text-faint">{word('fleet.zone', { zone })}</div>}
          <div role="presentation" className="flex flex-wrap gap-0.5">
            {inside.map(({ cell, index }) => (
              <div
                key={cell.name}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === picked}
                aria-label={`${cell.name}, ${word(`host.${cell.state}`)}, ${percent(loadOf(cell))}`}
                title={`${cell.name} · ${percent(loadOf(cell))}`}
                onClick={() => onPick(index)}
                onKeyDown={() => {}}
                data-host={cell.name}
                className={`size-5 rounded-[3px] border aria-selected:outline-2 aria-selected:outline-accent ${
                  cell.state === 'up' ? 'border-line' : 'border-2 border-bad'
                }`}
                style={{
                  backgroundColor: `color-mix(in oklab, var(--color-accent) ${Math.round(loadOf(cell) * 100)}%, var(--color-sunk))`,
                }}
              />
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

function CellFacts({ cell }: { cell: FleetCell }) {
  const word = useWords();
  const { name, state, hosts, cpu, mem, vms, zone, rack } = cell;
  return (
    <p className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-soft" data-fleet-cell>
      <span className="font-mono font-medium text-ink">{name}</span>
      <Badge tone={STATE_TONES[state]}>{word(`host.${state}`)}</Badge>
      {hosts > 1 && <span>{word('fleet.hosts', { n: hosts })}</span>}
      <span>{word('fleet.cpu', { part: percent(cpu) })}</span>
      <span>{word('fleet.mem', { part: percent(mem) })}</span>
      <span>{word('fleet.vms', { n: vms })}</span>
      {zone !== '' && <span>{[zone, rack].filter(Boolean).join(' / ')}</span>}
    </p>
  );
}

function Legend() {
  const word = useWords();
  return (
    <span aria-hidden="true" className="flex items-center gap-1.5 text-2xs font-normal text-faint">
      {word('fleet.empty')}
      <span className="h-2.5 w-20 rounded-sm bg-linear-to-r from-sunk to-accent" />
      {word('fleet.full')}
      <span className="ml-2 size-2.5 rounded-[2px] border-2 border-bad" />
      {word('fleet.notUp')}
    </span>
  );
}
