/** Every file is reached from something that runs. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { codeFiles, filesBeneath, isTest, ROOT, type SourceFile } from './tree.ts';

const IMPORT = /(?:\bfrom|\bimport|\bimport\.meta\.resolve|new URL)\s*\(?\s*'(\.{1,2}\/[^']+\.tsx?)'/g;

/** Files that cannot be reached from the entries. */
function dead(files: readonly SourceFile[], entries: readonly string[]): string[] {
  const byPath = new Map(files.map(file => [file.path, file]));
  const open = [...entries];
  const reached = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const [, to] of byPath.get(path)?.text.matchAll(IMPORT) ?? [])
      open.push(normalize(join(dirname(path), to!)));
  }
  return files.map(({ path }) => path).filter(path => !reached.has(path));
}

function entries(): string[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  // Files that a shell script, or another program of ours, starts by name.
  const named = [...filesBeneath('scripts', 'bin', '.ci'), ...codeFiles()]
    .flatMap(({ text }) => [
      ...(text.match(/\b(?:scripts|bench|test|src)\/[\w./-]+\.ts\b/g) ?? []),
      ...(text.match(/\btesting\/[\w./-]+\.ts\b/g) ?? []).map(path => `src/${path}`),
    ])
    .filter(path => existsSync(join(ROOT, path)));
  return [
    ...Object.values(exports).map(path => normalize(path)),
    'src/cli/main.ts',
    'web/src/main.tsx',
    'web/vite.config.ts',
    ...named,
    ...codeFiles()
      .filter(file => isTest(file) || /^(examples|scripts\/docs|bench)\//.test(file.path))
      .map(({ path }) => path),
  ];
}

test('package.json exports what there is', async () => {
  const { exports, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const path of [...Object.values<string>(exports), ...Object.values<string>(bin)])
    assert.ok(existsSync(join(ROOT, path)), path);
  for (const path of Object.values<string>(exports))
    assert.ok(Object.keys(await import(join(ROOT, path))).length > 1, path);
});

test('no file that nothing uses', () => {
  assert.deepEqual(dead(codeFiles(), entries()), []);
});

test('every folder of src is on the map in the README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter(entry =>
    entry.isDirectory(),
  );
  for (const { name } of folders) assert.ok(readme.includes(`| \`src/${name}/\` |`), name);
});

test('a dead file is found', () => {
  const files = [
    { path: 'src/a.ts', text: "import { b } from './b.ts'; await import('./c.ts');" },
    { path: 'src/b.ts', text: '' },
    { path: 'src/c.ts', text: '' },
    { path: 'src/d.ts', text: "import './a.ts';" },
  ];
  assert.deepEqual(dead(files, ['src/a.ts']), ['src/d.ts']);
});
