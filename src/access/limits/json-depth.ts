const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Whether objects and arrays of a JSON text lie in each other deeper than that. Looks at the text, before anything is built
 * of it; a text that is no JSON may be told either way.
 */
export function isDeeperThan(text: string, most: number): boolean {
  if (text.length <= most) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // { and [ differ from } and ] by 2; no other character has these bits.
    if (code === 0x7b || code === 0x5b) {
      if (++depth > most) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === QUOTE) i = endOfText(text, i);
  }
  return false;
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
