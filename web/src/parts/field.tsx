import { type ComponentProps, type ReactNode, useId } from 'react';

export interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong with what was given. */
  readonly error?: string | null | undefined;
  readonly required?: boolean;
  /** The control; it takes these attributes. */
  readonly children: (attributes: FieldAttributes) => ReactNode;
}

export interface FieldAttributes {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
  readonly 'aria-required': true | undefined;
}

/** A control with its label, what to know about it, and what is wrong with it. */
export function Field({ label, hint, error, required = false, children }: FieldProps) {
  const id = useId();
  const has = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-xs font-medium text-soft">
        {label}
        {required && <span aria-hidden="true"> *</span>}
      </label>
      {children({
        id,
        'aria-describedby': has || undefined,
        'aria-invalid': error ? true : undefined,
        'aria-required': required || undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-faint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="text-xs font-medium text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

const CONTROL =
  'min-h-8 w-full rounded-md border border-edge bg-card px-2 py-1 text-ink placeholder:text-faint aria-invalid:border-bad disabled:opacity-60';

export function TextInput({ className = '', ...rest }: ComponentProps<'input'>) {
  return (
    <input
      type="text"
      autoComplete="off"
      spellCheck={false}
      {...rest}
      className={`${CONTROL} ${className}`}
    />
  );
}

export function TextArea({ className = '', ...rest }: ComponentProps<'textarea'>) {
  return <textarea rows={3} spellCheck={false} {...rest} className={`${CONTROL} ${className}`} />;
}

export function Select({ className = '', ...rest }: ComponentProps<'select'>) {
  return <select {...rest} className={`${CONTROL} ${className}`} />;
}

/** A box to tick, with its words beside it. */
export function Check({ label, ...rest }: ComponentProps<'input'> & { label: string }) {
  return (
    <label className="inline-flex min-h-7 cursor-pointer items-center gap-2">
      <input type="checkbox" {...rest} className="size-4 accent-accent" />
      {label}
    </label>
  );
}

interface SelectorInputProps {
  readonly label: string;
  readonly selector: string;
  readonly onSelector: (selector: string) => void;
}

/** Conditions on labels, as `env=prod,tier!=web`. Takes effect when it is left, or by Enter: half a selector is none. */
export function SelectorInput({ label, selector, onSelector }: SelectorInputProps) {
  return (
    <input
      key={selector}
      aria-label={label}
      placeholder="env=prod,tier!=web"
      defaultValue={selector}
      spellCheck={false}
      autoComplete="off"
      onBlur={event => event.target.value.trim() !== selector && onSelector(event.target.value.trim())}
      onKeyDown={event => event.key === 'Enter' && onSelector(event.currentTarget.value.trim())}
      className="min-h-8 w-40 rounded-md border border-edge bg-card px-2 font-mono text-xs placeholder:text-faint"
    />
  );
}
