/** How instants are written: an age ("3m"), the exact local time, or the exact time in UTC. */
export type TimeStyle = 'age' | 'local' | 'utc';

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

/** A length as one or two units: 240ms, 4.2s, 3m12s, 5h, 12d. */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)}s`;
  if (ms < 59_500) return `${Math.round(ms / 1000)}s`;
  for (const [index, [unitMs, unit]] of UNITS.entries()) {
    if (ms < unitMs) continue;
    const whole = Math.floor(ms / unitMs);
    const smaller = UNITS[index + 1];
    const rest = smaller ? Math.floor((ms - whole * unitMs) / smaller[0]) : 0;
    return rest > 0 && whole < 10 && smaller ? `${whole}${unit}${rest}${smaller[1]}` : `${whole}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

/** The age of an instant in its largest unit: 0s, 45s, 3m, 5h, 12d. */
export function age(then: number, now: number): string {
  const ms = Math.max(0, now - then);
  for (const [unitMs, unit] of UNITS) if (ms >= unitMs) return `${Math.floor(ms / unitMs)}${unit}`;
  return '0s';
}

/** Milliseconds of an ISO 8601 text or of a number that is one already. */
export function instant(time: string | number): number {
  return typeof time === 'number' ? time : Date.parse(time);
}

export function timeText(time: string | number, style: TimeStyle, now: number): string {
  const ms = instant(time);
  if (style === 'age') return age(ms, now);
  return style === 'utc' ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : localTime(ms);
}

/** 2026-11-23 14:02:07 +0100, as git's --date=iso. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

/** An elapsed time as a clock with tenths: 00:04.2, 1:02:03. */
export function clock(ms: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const seconds = Math.max(0, ms) / 1000;
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60)
    return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(Math.floor(seconds % 60))}`;
  return `${two(minutes)}:${(Math.floor((seconds % 60) * 10) / 10).toFixed(1).padStart(4, '0')}`;
}
