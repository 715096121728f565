import type { Action, Catalogue } from './contract.ts';

type Codes = Readonly<Record<string, Readonly<Record<string, string>>>>;
const KNOWN = new WeakMap<readonly Action[], Codes>();

/** The code of every action: module, action, SHA-256 (hex). The same object as long as the catalogue has not changed. */
export function codesOf(catalogue: Pick<Catalogue, 'list'>): Codes {
  const actions = catalogue.list();
  let codes = KNOWN.get(actions);
  if (codes === undefined) {
    const made: Record<string, Record<string, string>> = {};
    for (const { module, name, code } of actions) {
      const of = made[module] ?? {};
      of[name] = code;
      made[module] = of;
    }
    codes = made;
    KNOWN.set(actions, codes);
  }
  return codes;
}
