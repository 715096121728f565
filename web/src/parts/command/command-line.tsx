import { useEffect, useSyncExternalStore } from 'react';
import { useWords } from '../../words/words.ts';
import { Command } from './command.tsx';

let command = '';
const listeners = new Set<() => void>();

function tell(next: string): void {
  if (next === command) return;
  command = next;
  for (const listener of listeners) listener();
}

/** Says which command shows, or does, the same as the screen. */
export function useCommand(text: string): void {
  useEffect(() => {
    tell(text);
  }, [text]);
}

/** The command that the screen is equal to, ready to be copied. */
export function CommandLine() {
  const word = useWords();
  const text = useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => command,
  );
  return (
    <section aria-label={word('command.label')} className="min-w-0 border-t bg-card px-3 py-px">
      <Command text={text} />
    </section>
  );
}
