/** Text of a value that is kept encrypted: it is shown nowhere. */
const HIDDEN = '••••••';

/** Whether a value is kept encrypted: then it is an envelope with one member. */
export function isSecret(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '$secret' in value;
}

/** A value as a person reads it: text as it is, all else as JSON; not longer than asked. */
export function valueText(value: unknown, longest = Number.POSITIVE_INFINITY): string {
  const text = typeof value === 'string' ? value : jsonText(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** A value as JSON, with secrets hidden wherever they are in it; in lines that are indented by so many spaces. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, (_, inner: unknown) => (isSecret(inner) ? HIDDEN : inner), indent) ?? '';
}
