/** message, ledger, flow and placement have no clock, no chance and no environment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBeneath, type HouseFault, isTest, linesOf, type SourceFile } from './tree.ts';

const IMPURE =
  /\b(Date\.now|Math\.random|process\.|performance\.|new Date\(\)|setTimeout|setInterval|fetch\()/g;

function impure({ path, text }: SourceFile): HouseFault[] {
  return [...withoutComments(text).matchAll(IMPURE)].map(([found]) => ({
    where: path,
    reason: `${found} is not for pure code: let the value come in`,
  }));
}

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

test('pure code asks nobody for the time or a random number', () => {
  const files = filesBeneath('src/message', 'src/ledger', 'src/flow', 'src/placement').filter(
    file => !isTest(file),
  );
  assert.ok(files.length > 30);
  assert.equal(linesOf(files.flatMap(impure)), '');
  for (const text of ['Date.now()', 'const a = Math.random()', 'process.env.HOME', 'new Date()'])
    assert.equal(impure({ path: 'a.ts', text }).length, 1, text);
  assert.deepEqual(impure({ path: 'a.ts', text: 'new Date(0); /** Not Date.now */' }), []);
});
