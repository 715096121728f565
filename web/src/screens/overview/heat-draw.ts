import { useEffect, useState } from 'react';
import type { FleetMapView } from '../../../../src/api/host.ts';
import type { ColourBy, HeatLayout } from './heat-layout.ts';

/** From empty to full: lightness falls all the way, so that it is read without seeing colours, too. */
export const HEAT_RAMP = ['#dcefe8', '#a9d8c8', '#6fbfa8', '#f0c75e', '#e08a3c', '#b3261e'] as const;

interface Palette {
  readonly ink: string;
  readonly none: string;
  /** By the state's name. */
  readonly states: Readonly<Record<string, string>>;
}

/** The colours of the theme as a canvas takes them; read anew when the theme changes. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(readPalette);
  useEffect(() => {
    const again = (): void => setPalette(readPalette());
    const watch = new MutationObserver(again);
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', again);
    return () => {
      watch.disconnect();
      system.removeEventListener('change', again);
    };
  }, []);
  return palette;
}

/** light-dark() is resolved by an element that has the colour. */
function readPalette(): Palette {
  const probe = document.createElement('span');
  document.body.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--color-${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    ink: colour('soft'),
    none: colour('line'),
    states: { up: colour('good'), draining: colour('wait'), down: colour('back'), lost: colour('bad') },
  };
  probe.remove();
  return palette;
}

/** Draws every cell, by colour: a change of the brush costs more than a cell. */
export function drawHeat(
  canvas: HTMLCanvasElement,
  map: FleetMapView,
  layout: HeatLayout,
  colour: ColourBy,
  width: number,
  palette: Palette,
): void {
  const { order, groups, step, columns, height } = layout;
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const brush = canvas.getContext('2d')!;
  brush.scale(scale, scale);
  const cell = step > 6 ? step - 2 : step - 1;
  const colours = brushOf(map, colour, palette);
  const byColour = new Map<string, number[]>();
  for (const { from, to, cellsTop } of groups) {
    for (let at = from; at < to; at++) {
      const paint = colours(order[at]!);
      const list = byColour.get(paint) ?? [];
      byColour.set(paint, list);
      const inGroup = at - from;
      list.push((inGroup % columns) * step, cellsTop + Math.floor(inGroup / columns) * step);
    }
  }
  for (const [paint, corners] of byColour) {
    brush.fillStyle = paint;
    for (let i = 0; i < corners.length; i += 2) brush.fillRect(corners[i]!, corners[i + 1]!, cell, cell);
  }
  brush.fillStyle = palette.ink;
  brush.font = '12px system-ui, sans-serif';
  for (const { name, top, from, to } of groups)
    brush.fillText(`${name || '–'}  ${to - from}`, 0, top + 13, width);
}

function brushOf(map: FleetMapView, colour: ColourBy, palette: Palette): (host: number) => string {
  const states = map.states.map(state => palette.states[state] ?? palette.none);
  if (colour === 'state') return host => states[map.state[host]!]!;
  const load = colour === 'cpu' ? map.cpu : map.mem;
  return host => {
    const thousandths = load[host]!;
    if (thousandths < 0) return palette.none;
    return HEAT_RAMP[Math.min(HEAT_RAMP.length - 1, Math.floor((thousandths / 1000) * HEAT_RAMP.length))]!;
  };
}
