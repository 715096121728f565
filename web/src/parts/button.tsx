import type { ComponentProps } from 'react';
import { Icon, type IconName } from './icon.tsx';

export type ButtonKind = 'plain' | 'main' | 'danger' | 'quiet';

const KINDS: Readonly<Record<ButtonKind, string>> = {
  plain: 'border-line bg-card text-ink hover:bg-sunk',
  main: 'border-transparent bg-accent text-on-accent hover:brightness-110',
  danger: 'border-bad/50 bg-card text-bad hover:bg-bad-soft',
  quiet: 'border-transparent text-soft hover:bg-sunk hover:text-ink',
};

export interface ButtonProps extends ComponentProps<'button'> {
  readonly kind?: ButtonKind;
  readonly icon?: IconName;
  /** Why it cannot be pressed now: read out, and shown at it. It stays in reach of the keyboard. */
  readonly blocked?: string | null | undefined;
}

export function Button({ kind = 'plain', icon, blocked, className = '', children, ...rest }: ButtonProps) {
  const off = Boolean(blocked);
  return (
    <button
      type="button"
      {...rest}
      onClick={off ? event => event.preventDefault() : rest.onClick}
      aria-disabled={off || undefined}
      title={blocked ?? rest.title}
      aria-description={blocked ?? undefined}
      className={`inline-flex min-h-7 items-center justify-center gap-1.5 rounded-md border px-2.5 py-1 font-medium whitespace-nowrap transition-colors disabled:opacity-55 aria-disabled:cursor-not-allowed aria-disabled:text-faint aria-disabled:bg-sunk aria-disabled:border-line ${KINDS[kind]} ${className}`}
    >
      {icon !== undefined && <Icon name={icon} className="size-3.5" />}
      {children}
    </button>
  );
}

/** A button of a sign alone; the label is read out and shown at it. */
export function IconButton({
  icon,
  label,
  ...rest
}: ComponentProps<'button'> & { icon: IconName; label: string }) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={`inline-grid size-7 place-items-center rounded-md text-soft hover:bg-sunk hover:text-ink ${rest.className ?? ''}`}
    >
      <Icon name={icon} />
    </button>
  );
}
