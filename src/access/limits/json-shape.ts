const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;

/**
 * How many members the objects of a JSON text have in all, names that come again counted again; -1 when objects and arrays lie in each
 * other deeper than `most`. Looks at the text, before anything is built of it; of a text that is no JSON it may say anything.
 */
export function countMembers(text: string, most: number): number {
  let depth = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfText(text, i);
    else if (code === COLON) members++;
    // { and [ differ from } and ] by 2; no other character has these bits.
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > most) return -1;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return members;
}

/** How many members the objects of a value have in all. */
export function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') members += membersOf(item);
    return members;
  }
  for (const name in value) {
    members++;
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object') members += membersOf(member);
  }
  return members;
}

interface Level {
  /** Null in an array. */
  readonly names: Set<string> | null;
  /** The member, or the number of the item, that is being read. */
  at: string | number;
}

/**
 * Where in a JSON text (RFC 8259) an object has a name again that it had before, as a JSON Pointer (RFC 6901); null when none does.
 * Names are compared as they are read: `"a"` and `"\\u0061"` are one.
 */
export function repeatedName(text: string): string | null {
  const levels: Level[] = [];
  for (let i = 0; i < text.length; i++) {
    const level = levels.at(-1);
    const sign = text[i];
    if (sign === '{') levels.push({ names: new Set(), at: '' });
    else if (sign === '[') levels.push({ names: null, at: 0 });
    else if (sign === '}' || sign === ']') levels.pop();
    else if (sign === ',' && typeof level?.at === 'number') level.at++;
    else if (sign === '"') {
      const end = endOfText(text, i);
      // In an object a name is followed by a colon, and a value is not.
      if (level?.names && isBeforeColon(text, end + 1)) {
        level.at = JSON.parse(text.slice(i, end + 1)) as string;
        if (level.names.has(level.at)) return pointerOf(levels);
        level.names.add(level.at);
      }
      i = end;
    }
  }
  return null;
}
/** Where the quoted text ends that begins at `from`. */
function endOfText(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}

function isBeforeColon(text: string, from: number): boolean {
  let at = from;
  while (SPACE.has(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === COLON;
}

/** Space, tab, line feed and carriage return: RFC 8259, 2. */
const SPACE: ReadonlySet<number> = new Set([32, 9, 10, 13]);

const pointerOf = (levels: readonly Level[]): string =>
  levels.map(({ at }) => `/${String(at).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
