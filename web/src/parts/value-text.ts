/** A value as a person reads it: text as it is, all else as JSON; not longer than asked. */
export function valueText(value: unknown, longest = Number.POSITIVE_INFINITY): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
