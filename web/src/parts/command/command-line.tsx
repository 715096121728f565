import { useEffect, useSyncExternalStore } from 'react';
import { useWords } from '../../words/words.ts';
import { Copy } from './copy.tsx';

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
    <section
      aria-label={word('command.label')}
      className="flex min-w-0 items-center gap-2 border-t bg-card px-3 py-0.5"
    >
      <span aria-hidden="true" className="font-mono text-faint">
        $
      </span>
      <code
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long command is scrolled by the keyboard, too
        tabIndex={0}
        className="min-w-0 flex-1 overflow-x-auto font-mono text-xs whitespace-pre"
        data-command
      >
        {text}
      </code>
      <Copy text={text} />
    </section>
  );
}
