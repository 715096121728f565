import type { ReactNode } from 'react';

interface PlainTableProps {
  readonly label: string;
  readonly head: readonly string[];
  readonly children: ReactNode;
}

/** A short table; what is wider than the screen is scrolled. */
export function PlainTable({ label, head, children }: PlainTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is wider than the screen is scrolled by the keyboard, too
    <section tabIndex={0} aria-label={label} className="relative overflow-x-auto">
      <table className="w-full text-left">
        <thead className="text-xs text-soft">
          <tr className="border-b">
            {head.map(text => (
              <th key={text} scope="col" className="px-3 py-1.5 font-medium whitespace-nowrap">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

export const ROW = 'border-b border-line/60 last:border-0 hover:bg-sunk/60';
export const CELL = 'px-3 py-1.5';
