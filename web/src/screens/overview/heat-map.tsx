import { useNavigate } from '@tanstack/react-router';
import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { FleetMapView } from '../../../../src/api/host.ts';
import { useFleetMap } from '../../api/fleet.ts';
import { Select } from '../../parts/field.tsx';
import { ProblemNotice } from '../../parts/notice.tsx';
import type { WordName } from '../../words/en.ts';
import { useWords, type word as Word } from '../../words/words.ts';
import { drawHeat, HEAT_RAMP, usePalette } from './heat-draw.ts';
import { type ColourBy, cellAt, cellBeside, cornerOf, type GroupBy, layOut } from './heat-layout.ts';
import { HeatTable } from './heat-table.tsx';

/** Every host as a cell, coloured by how full it is or by its state. */
export function HeatMap() {
  const word = useWords();
  const { data: map, error, refetch } = useFleetMap();
  const [colour, setColour] = useState<ColourBy>('cpu');
  const [group, setGroup] = useState<GroupBy>('zone');
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  return (
    <section aria-label={word('heat.title')} className="card space-y-3 p-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h2 className="font-semibold">
          {word('heat.title')}{' '}
          {map && <span className="font-normal text-soft">{map.name.length.toLocaleString('en')}</span>}
        </h2>
        <Legend colour={colour} word={word} />
        <div className="flex flex-wrap items-center gap-3 md:ml-auto">
          <Choice label={word('heat.by')} value={colour} onPick={value => setColour(value as ColourBy)}>
            {(['cpu', 'mem', 'state'] as const).map(by => (
              <option key={by} value={by}>
                {word(`heat.by.${by}`)}
              </option>
            ))}
          </Choice>
          <Choice label={word('heat.group')} value={group} onPick={value => setGroup(value as GroupBy)}>
            <option value="zone">{word('host.zone')}</option>
            <option value="rack">{word('host.rack')}</option>
          </Choice>
        </div>
      </div>
      {map && map.name.length > 0 && <Cells map={map} colour={colour} group={group} />}
      {map && (
        <details>
          <summary className="text-xs text-soft">{word('heat.table')}</summary>
          <HeatTable map={map} group={group} />
        </details>
      )}
    </section>
  );
}

function Choice(props: {
  label: string;
  value: string;
  onPick: (value: string) => void;
  children: React.ReactNode;
}) {
  const id = useId();
  return (
    <div className="flex items-center gap-1.5 text-xs text-soft">
      <label htmlFor={id}>{props.label}</label>
      <Select
        id={id}
        className="w-auto! text-ink"
        value={props.value}
        onChange={event => props.onPick(event.target.value)}
      >
        {props.children}
      </Select>
    </div>
  );
}

function Legend({ colour, word }: { colour: ColourBy; word: typeof Word }) {
  const swatch = (background: string) => (
    <span aria-hidden="true" className="inline-block size-3 rounded-sm" style={{ background }} />
  );
  if (colour === 'state') {
    return (
      <ul className="flex flex-wrap gap-3 text-xs text-soft">
        {(['up', 'draining', 'down', 'lost'] as const).map(state => (
          <li key={state} className="flex items-center gap-1">
            {swatch(`var(--color-${{ up: 'good', draining: 'wait', down: 'back', lost: 'bad' }[state]})`)}
            {word(`host.${state}`)}
          </li>
        ))}
      </ul>
    );
  }
  return (
    <p className="flex items-center gap-1 text-xs text-soft">
      {word('heat.empty')}
      {HEAT_RAMP.map(of => (
        <span
          key={of}
          aria-hidden="true"
          className="inline-block size-3 rounded-sm"
          style={{ background: of }}
        />
      ))}
      {word('heat.full')}
    </p>
  );
}

function Cells({ map, colour, group }: { map: FleetMapView; colour: ColourBy; group: GroupBy }) {
  const word = useWords();
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const marker = useRef<HTMLDivElement>(null);
  const byKey = useRef(false);
  const width = useWidth(box);
  const [picked, setPicked] = useState<number | null>(null);
  const palette = usePalette();
  const layout = useMemo(() => layOut(map, group, Math.max(1, width)), [map, group, width]);
  useEffect(() => {
    if (width > 0) drawHeat(canvas.current!, map, layout, colour, width, palette);
  }, [map, layout, colour, width, palette]);
  const at = picked === null || picked >= layout.order.length ? null : picked;
  // What the arrows pick is brought in sight; what the pointer picks is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another cell is why
  useEffect(() => {
    if (byKey.current) marker.current?.scrollIntoView({ block: 'nearest' });
    byKey.current = false;
  }, [at]);
  const open = (cell: number): void => {
    void navigate({ to: '/hosts/$host', params: { host: map.name[layout.order[cell]!]! } });
  };
  const under = (event: PointerEvent | React.MouseEvent): number | null => {
    const { left, top } = canvas.current!.getBoundingClientRect();
    return cellAt(layout, event.clientX - left, event.clientY - top);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && at !== null) open(at);
    const next = cellBeside(layout, at ?? 0, event.key);
    if (next === null) return;
    event.preventDefault();
    byKey.current = true;
    setPicked(at === null ? 0 : next);
  };
  const corner = at === null ? null : cornerOf(layout, at);
  const text = at === null ? '' : hostText(map, layout.order[at]!, word);
  return (
    <div className="min-w-0">
      <div ref={box} className="max-h-[26rem] overflow-auto p-0.5">
        <div
          role="application"
          aria-label={word('heat.map', { n: map.name.length })}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: one stop for Tab, arrows within
          tabIndex={0}
          className="relative cursor-pointer"
          style={{ height: layout.height }}
          onKeyDown={onKeyDown}
          onFocus={() => setPicked(now => now ?? 0)}
          onPointerMove={event => setPicked(under(event))}
          onPointerLeave={() => setPicked(null)}
          onClick={event => {
            const cell = under(event);
            if (cell !== null) open(cell);
          }}
        >
          <canvas ref={canvas} className="absolute inset-0" />
          {corner && <Marker ref={marker} corner={corner} side={layout.step - 1} />}
        </div>
      </div>
      <p role="status" data-heat className="min-h-5 pt-1 text-xs text-soft">
        {text}
      </p>
    </div>
  );
}

/** How wide an element is, in whole pixels; 0 before it is known. */
function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, [box]);
  return width;
}

interface MarkerProps {
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly corner: { readonly x: number; readonly y: number };
  readonly side: number;
}

function Marker({ ref, corner, side }: MarkerProps) {
  return (
    <div
      ref={ref}
      aria-hidden="true"
      className="pointer-events-none absolute scroll-my-4 rounded-sm outline-2 outline-ink"
      style={{ left: corner.x, top: corner.y, width: side, height: side }}
    />
  );
}

function hostText(map: FleetMapView, host: number, word: typeof Word): string {
  const percent = (thousandths: number): number => Math.max(0, Math.round(thousandths / 10));
  return word('heat.cell', {
    host: map.name[host]!,
    state: word(`host.${map.states[map.state[host]!]!}` as WordName),
    cpu: percent(map.cpu[host]!),
    mem: percent(map.mem[host]!),
  });
}
