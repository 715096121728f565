/** What must stand in no file: unfinished work, this machine, other people's hosts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODE_FOLDERS, filesBeneath, type HouseFault, linesOf, ROOT, type SourceFile } from './tree.ts';

const BANNED: readonly (readonly [pattern: RegExp, reason: string])[] = [
  // Written so that this file does not find itself.
  [/\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/, 'finish it, or say what is missing in the docs'],
  [/\b(not yet implemente[d]|lorem ipsu[m]|placeholder tex[t])\b/i, 'unfinished'],
  [/\.only\(/, 'a test that keeps the others from running'],
  [/\b(test|it|describe)\.(skip|todo)\(/, 'a test that never runs; give a reason with {skip: reason}'],
  [/registry\.npmj[s]|\bpypi\.or[g]|crates\.i[o]\b/, 'names a registry'],
  [/\/wor[k]\/|\/tmp\/brie[f]/, "names this machine's folders"],
  [/@ts-(ignore|nocheck)/, 'mend the types'],
];

function bannedText({ path, text }: SourceFile): HouseFault[] {
  return text.split('\n').flatMap((line, index) =>
    BANNED.filter(([pattern]) => pattern.test(line)).map(([, reason]) => ({
      where: `${path}:${index + 1}`,
      reason: `${line.trim().slice(0, 60)} … ${reason}`,
    })),
  );
}

test('no unfinished work, no machine of ours, no way round the types', () => {
  const rootFiles = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'package.json',
    '.npmrc',
    '.ci/run',
    'bin/coax',
  ];
  const files = [
    ...filesBeneath(...CODE_FOLDERS, 'docs', 'flows'),
    ...rootFiles.map(path => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })),
  ].filter(({ path }) => path !== 'test/house/text.test.ts' && !path.endsWith('.png'));
  assert.equal(linesOf(files.flatMap(bannedText)), '');
});

test('a planted fault of each kind is found', () => {
  const planted = [
    '// TO' + 'DO: later',
    'not yet implemente' + 'd',
    'test.only(',
    "it.skip('x'",
    'https://registry.npmj' + 's.org',
    '/wor' + 'k/main',
    '// @ts-ignore',
  ];
  assert.equal(planted.length, BANNED.length);
  for (const text of planted) assert.equal(bannedText({ path: 'a.ts', text }).length, 1, text);
});
