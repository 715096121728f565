import { isSecret } from '../../../parts/value-text.ts';

/** A parameter to change, as it was typed. */
export interface Edit {
  readonly name: string;
  readonly text: string;
}

/** What was typed, as parameters; or the name of the first that cannot be read. */
export function readEdits(
  edits: readonly Edit[],
  known: Readonly<Record<string, unknown>>,
): { parameters: Record<string, unknown>; wrong: string | null } {
  const parameters: Record<string, unknown> = {};
  let wrong: string | null = null;
  for (const { name, text } of edits) {
    if (name === '') continue;
    const value = readValue(text, Object.hasOwn(known, name) ? known[name] : undefined);
    if (value === undefined) wrong ??= name;
    else parameters[name] = value;
  }
  return { parameters, wrong };
}

/** Text stays text where text, or a secret, was. Elsewhere it is JSON; where nothing was, what is no JSON is text. */
function readValue(text: string, before: unknown): unknown {
  if (typeof before === 'string' || isSecret(before)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return before === undefined ? text : undefined;
  }
}
