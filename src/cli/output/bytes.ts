const UNITS = ['B', 'K', 'M', 'G', 'T'] as const;

/** Bytes in units of 1,024: `0`, `512B`, `1.5G`. */
export function bytesText(bytes: number): string {
  if (bytes === 0) return '0';
  let unit = 0;
  let figure = Math.abs(bytes);
  while (figure >= 1024 && unit < UNITS.length - 1) {
    figure /= 1024;
    unit += 1;
  }
  const text = unit === 0 || figure >= 100 ? String(Math.round(figure)) : figure.toFixed(1);
  return `${bytes < 0 ? '-' : ''}${text}${UNITS[unit]}`;
}
