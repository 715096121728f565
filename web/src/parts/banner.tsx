import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';

/** Why something stands as it stands, above all else that is told of it. */
export function Banner({
  tone,
  title,
  children,
}: {
  tone: 'bad' | 'back' | 'wait';
  title: string;
  children?: ReactNode;
}) {
  const look = {
    bad: 'bg-bad-soft text-bad',
    back: 'bg-back-soft text-back',
    wait: 'bg-wait-soft text-wait',
  }[tone];
  return (
    <p className={`flex gap-2 rounded-md px-3 py-2 ${look}`}>
      <Icon name={tone === 'wait' ? 'pause' : 'warn'} className="mt-0.5 size-4" />
      <span className="min-w-0 break-words">
        <span className="font-medium">{title}</span> <span className="text-ink">{children}</span>
      </span>
    </p>
  );
}
