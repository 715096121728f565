import { type PointerEvent, useId, useState } from 'react';
import type { VmUsePoint } from '../../../../../src/api/vm.ts';
import { useWords } from '../../../words/words.ts';
import { type ChartPoint, HOUR_MS, roundMost, runsOf } from './use-points.ts';

const WIDTH = 600;
const HEIGHT = 90;

export interface UseLine {
  readonly name: string;
  readonly figure: (point: VmUsePoint) => number | null;
  /** What it is now; null when that is not known. */
  readonly now: number | null;
  readonly look: 'first' | 'second';
}

interface UseChartProps {
  readonly title: string;
  readonly points: readonly VmUsePoint[];
  readonly lines: readonly UseLine[];
  readonly text: (value: number) => string;
  readonly nowMs: number;
  readonly isBytes?: boolean;
  /** Said in place of a chart where there is nothing to draw. */
  readonly none: string;
}

const LOOKS = {
  first: { stroke: 'stroke-accent', fill: 'fill-accent/15', dot: 'bg-accent' },
  second: { stroke: 'stroke-busy', fill: 'fill-none', dot: 'bg-busy' },
} as const;

/** One or two figures over the last hour, with what they are now, or were where the pointer is. */
export function UseChart({ title, points, lines, text, nowMs, isBytes = false, none }: UseChartProps) {
  const word = useWords();
  const id = useId();
  const [picked, setPicked] = useState<VmUsePoint | null>(null);
  const values = points.flatMap(point => lines.map(({ figure }) => figure(point) ?? 0));
  const known = points.some(point => lines.some(({ figure }) => figure(point) !== null));
  const most = roundMost(Math.max(0, ...values), isBytes);
  const x = (atMs: number): number => WIDTH * (1 - (nowMs - atMs) / HOUR_MS);
  const y = (value: number): number => HEIGHT * (1 - value / most);
  const pick = (event: PointerEvent<SVGSVGElement>): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const atMs = nowMs - HOUR_MS * (1 - (event.clientX - left) / width);
    setPicked(nearest(points, atMs));
  };
  return (
    <section aria-labelledby={id} className="card p-3">
      <h3 id={id} className="flex items-baseline justify-between gap-2 font-semibold">
        {title}
        <span className="text-xs font-normal text-faint">
          {picked === null ? word('use.now') : clockText(picked.at)}
        </span>
      </h3>
      <Legend lines={lines} picked={picked} text={text} />
      {known ? (
        <div className="relative mt-2">
          <span className="pointer-events-none absolute top-0 left-0 text-2xs text-faint">{text(most)}</span>
          <svg
            aria-hidden="true"
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            className="h-24 w-full border-b"
            onPointerMove={pick}
            onPointerLeave={() => setPicked(null)}
          >
            <line x1="0" x2={WIDTH} y1="0.5" y2="0.5" className="stroke-line" strokeDasharray="4 4" />
            {lines.map(({ name, figure, look }) =>
              runsOf(points, figure).map(run => (
                <Run key={`${name} ${run[0]!.atMs}`} run={run} x={x} y={y} look={look} />
              )),
            )}
            {picked !== null && (
              <line
                x1={x(Date.parse(picked.at))}
                x2={x(Date.parse(picked.at))}
                y1="0"
                y2={HEIGHT}
                className="stroke-edge"
                vectorEffect="non-scaling-stroke"
              />
            )}
          </svg>
          <p aria-hidden="true" className="flex justify-between text-2xs text-faint">
            <span>{word('use.ago', { n: 60 })}</span>
            <span>{word('use.ago', { n: 30 })}</span>
            <span>{word('use.now')}</span>
          </p>
        </div>
      ) : (
        <p className="mt-2 text-soft">{none}</p>
      )}
    </section>
  );
}

/** What each line is now, or was where the pointer is. */
function Legend({
  lines,
  picked,
  text,
}: Pick<UseChartProps, 'lines' | 'text'> & { picked: VmUsePoint | null }) {
  return (
    <dl className="flex flex-wrap gap-x-6">
      {lines.map(({ name, figure, now, look }) => {
        const value = picked === null ? now : figure(picked);
        return (
          <div key={name} className="flex items-baseline gap-1.5">
            <dt className="flex items-center gap-1.5 text-xs text-soft">
              <span aria-hidden="true" className={`size-2 rounded-sm ${LOOKS[look].dot}`} />
              {name}
            </dt>
            <dd className="font-semibold" data-use={name}>
              {value === null ? '–' : text(value)}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

interface RunProps {
  readonly run: readonly ChartPoint[];
  readonly x: (atMs: number) => number;
  readonly y: (value: number) => number;
  readonly look: UseLine['look'];
}

/** A line without a gap, with what is beneath it; one point alone is a short dash. */
function Run({ run, x, y, look }: RunProps) {
  const [first, last] = [run[0]!, run.at(-1)!];
  const start = run.length === 1 ? x(first.atMs) - 2 : x(first.atMs);
  const line = run.map(({ atMs, value }) => `${x(atMs).toFixed(1)},${y(value).toFixed(1)}`).join(' L');
  const path = `M${start.toFixed(1)},${y(first.value).toFixed(1)} L${line}`;
  return (
    <>
      <path
        d={`${path} L${x(last.atMs).toFixed(1)},${HEIGHT} L${start.toFixed(1)},${HEIGHT} Z`}
        className={LOOKS[look].fill}
      />
      <path
        d={path}
        className={`fill-none ${LOOKS[look].stroke}`}
        strokeWidth="1.5"
        vectorEffect="non-scaling-stroke"
      />
    </>
  );
}

function nearest(points: readonly VmUsePoint[], atMs: number): VmUsePoint | null {
  let found: VmUsePoint | null = null;
  for (const point of points) {
    const away = Math.abs(Date.parse(point.at) - atMs);
    if (found === null || away < Math.abs(Date.parse(found.at) - atMs)) found = point;
  }
  return found;
}

const clockText = (at: string): string => new Date(at).toLocaleTimeString('en-GB');
