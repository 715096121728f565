/** The first 12 hex digits of an id as a number: exact in a double. NaN-free for damaged ids. */
export function prefixNumber(id: string): number {
  const value = Number.parseInt(id.slice(0, 12), 16);
  return Number.isSafeInteger(value) ? value : 0;
}

/** Lowest and highest prefix number of the ids that begin with these hex digits. */
export function prefixRange(digits: string): [number, number] {
  const head = digits.slice(0, 12);
  return [Number.parseInt(head.padEnd(12, '0'), 16), Number.parseInt(head.padEnd(12, 'f'), 16)];
}
