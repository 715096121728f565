/** One bar: a figure of one system. `ours` is drawn in the other colour. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly ours: boolean;
}

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 90;
const ROW = 26;
const HEAD = 44;
const FOOT = 30;

/**
 * Horizontal bars on a scale of powers of ten, as SVG; colours follow the reader's light or dark scheme. `left`: room for the labels, in
 * pixels.
 */
export function barChart(title: string, unit: string, bars: readonly Bar[], left = LEFT): string {
  const values = bars.map(({ value }) => value);
  // So low that the shortest bar can be seen.
  const low = Math.floor(Math.log10(Math.min(...values) / 2));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1);
  const place = (value: number): number =>
    round(left + ((Math.log10(value) - low) / (high - low)) * (WIDTH - left - RIGHT));
  const bottom = HEAD + bars.length * ROW;
  const height = bottom + FOOT;
  const grid = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)).flatMap(power => [
    `<line class="grid" x1="${place(power)}" x2="${place(power)}" y1="${HEAD - 6}" y2="${bottom}"/>`,
    `<text class="faint" x="${place(power)}" y="${bottom + 18}" text-anchor="middle">${figure(power)}</text>`,
  ]);
  const drawn = bars.flatMap(({ label, value, ours }, index) => {
    const top = HEAD + index * ROW;
    const text = top + ROW / 2 + 4;
    return [
      `<text x="${left - 10}" y="${text}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${ours ? 'ours' : 'theirs'}" x="${left}" y="${top + 3}" width="${Math.max(round(place(value) - left), 1)}" height="${ROW - 8}" rx="2"/>`,
      `<text class="faint" x="${round(place(value) + 6)}" y="${text}">${figure(value)}</text>`,
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    '<style>',
    'text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 14px } .faint { fill: #59636e }',
    '.grid { stroke: #d1d9e0; stroke-width: 1 } .ours { fill: #0969da } .theirs { fill: #8c959f }',
    '@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #3d444d } .ours { fill: #4493f8 } .theirs { fill: #6e7681 } }',
    '</style>',
    `<text class="title" x="10" y="20">${escaped(title)}</text>`,
    `<text class="faint" x="${WIDTH - 10}" y="20" text-anchor="end">${escaped(unit)}, each line ten times the one before</text>`,
    ...grid,
    ...drawn,
    '</svg>',
  ].join('\n')}\n`;
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
