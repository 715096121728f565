import { useSyncExternalStore } from 'react';
import { currentLanguage, type word } from '../../words/words.ts';

const TICK_MS = 1000;

let now = Date.now();
let timer: number | null = null;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** Milliseconds since 1970, told anew every second: one clock for all that shows an age. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** A length of time in one unit. */
export function lengthText(ms: number, words: typeof word): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return words('ago.now');
  if (seconds < 60) return words('ago.seconds', { n: seconds });
  if (seconds < 3600) return words('ago.minutes', { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return words('ago.hours', { n: Math.floor(seconds / 3600) });
  return words('ago.days', { n: Math.floor(seconds / 86_400) });
}

/** Day and time, here. */
export function momentText(ms: number): string {
  return new Date(ms).toLocaleString(currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
  });
}
