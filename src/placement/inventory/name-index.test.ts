import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NameIndex } from './name-index.ts';

const change = fc.record({ name: fc.nat(400).map(number => `vm-${number}`), isPut: fc.boolean() });

test('answers as a map does, whatever comes and goes, and a branch goes its own way', () => {
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 300, maxLength: 900, size: 'max' }),
      fc.array(change, { minLength: 100, maxLength: 300, size: 'max' }),
      (changes, later) => {
        const names: string[] = [];
        const index = new NameIndex(names);
        const map = new Map<string, number>();
        apply(index, map, names, changes);
        const branchNames = names.slice();
        const branch = index.branch(branchNames);
        const before = new Map(map);
        apply(index, map, names, later);
        same(index, map);
        same(branch, before);
        apply(branch, before, branchNames, later.toReversed());
        same(branch, before);
      },
    ),
    { numRuns: 60 },
  );
});

test('200,000 names, and a third of them taken out', () => {
  const names = Array.from({ length: 200_000 }, (_, number) => `name ${number}`);
  const index = new NameIndex(names);
  for (const [number, name] of names.entries()) assert.equal(index.put(name, number), -1);
  for (const [number, name] of names.entries()) if (number % 3 === 0) index.delete(name);
  for (const [number, name] of names.entries())
    assert.equal(index.find(name), number % 3 === 0 ? -1 : number);
});

function apply(
  index: NameIndex,
  map: Map<string, number>,
  names: string[],
  changes: readonly { name: string; isPut: boolean }[],
): void {
  for (const { name, isPut } of changes) {
    if (isPut) {
      names.push(name);
      assert.equal(index.put(name, names.length - 1), map.get(name) ?? -1);
      map.set(name, names.length - 1);
    } else {
      index.delete(name);
      map.delete(name);
    }
  }
}

function same(index: NameIndex, map: ReadonlyMap<string, number>): void {
  for (let number = 0; number <= 400; number += 1)
    assert.equal(index.find(`vm-${number}`), map.get(`vm-${number}`) ?? -1);
}
