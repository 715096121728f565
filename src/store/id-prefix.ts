/** The first 12 hex digits of an id as a number: exact in a double. NaN-free for damaged ids. */
export function prefixNumber(id: string): number {
  let value = 0;
  for (let index = 0; index < 12; index++) {
    const unit = id.charCodeAt(index);
    const digit = unit <= 0x39 ? unit - 0x30 : unit - 0x57;
    if (!(digit >= 0 && digit <= 15 && (unit <= 0x39 || digit >= 10))) return byParsing(id);
    value = value * 16 + digit;
  }
  return value;
}

/** The same for what is not as `commitId` writes it, and ten times slower. */
function byParsing(id: string): number {
  const value = Number.parseInt(id.slice(0, 12), 16);
  return Number.isSafeInteger(value) ? value : 0;
}

/** Lowest and highest prefix number of the ids that begin with these hex digits. */
export function prefixRange(digits: string): [number, number] {
  const head = digits.slice(0, 12);
  return [Number.parseInt(head.padEnd(12, '0'), 16), Number.parseInt(head.padEnd(12, 'f'), 16)];
}
