/** Text as a program wrote it. */
export function Output({ text }: { text: string }) {
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: long output is scrolled by the keyboard, too
      tabIndex={0}
      className="mt-1 max-h-80 overflow-auto rounded border bg-card p-2 font-mono text-xs whitespace-pre-wrap"
    >
      {text}
    </pre>
  );
}
