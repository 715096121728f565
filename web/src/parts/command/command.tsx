import { Copy } from './copy.tsx';

/** A command, ready to be copied. */
export function Command({ text }: { text: string }) {
  return (
    <div className="flex min-w-0 items-center gap-2">
      <span aria-hidden="true" className="font-mono text-faint">
        $
      </span>
      <code
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long command is scrolled by the keyboard, too
        tabIndex={0}
        className="min-w-0 flex-1 overflow-x-auto py-1 font-mono text-xs whitespace-pre"
      >
        {text}
      </code>
      <Copy text={text} />
    </div>
  );
}
