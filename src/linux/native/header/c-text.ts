/** Reading preprocessed C, as far as headers need it: declarations at the top level, without what compilers add. */

/** Declarations in order; bodies of functions are left out. */
export function declarationsOf(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '(') depth += 1;
    else if (char === '}' || char === ')') depth -= 1;
    if (depth !== 0) continue;
    if (char === ';') {
      found.push(cleaned(text.slice(start, at)));
      start = at + 1;
    } else if (char === '}' && isFunctionBody(text.slice(start, at))) start = at + 1;
  }
  return found;
}

const isFunctionBody = (text: string): boolean =>
  /\)\s*\{/.test(text) && !/^\s*(?:__extension__\s+)?(?:typedef|struct|union|enum)\b/.test(text);

const ADDED = /(?:__attribute__|__asm__|__asm) ?\(/;
const WORDS =
  /\b(?:__extension__|__inline|__inline__|inline|_Noreturn|__restrict|__restrict__|restrict|extern|static)\b/g;

function cleaned(text: string): string {
  let left = text.replace(/\s+/g, ' ');
  for (let match = ADDED.exec(left); match !== null; match = ADDED.exec(left)) {
    const open = match.index + match[0].length - 1;
    left = left.slice(0, match.index) + left.slice(closing(left, open) + 1);
  }
  return left.replace(WORDS, ' ').replace(/\s+/g, ' ').trim();
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return text.length;
}

/** The parts between commas, or other separators, that are in no brackets. */
export function split(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if ('({['.includes(char)) depth += 1;
    else if (')}]'.includes(char)) depth -= 1;
    else if (char === separator && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts.filter(part => part !== '');
}
