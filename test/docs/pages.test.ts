/** Every command that the README, the tutorial and the how-tos show is run, and must print what they show. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandsOf, firstMissing, ROOT, tryPage } from './console.ts';

const pages = [
  'README.md',
  'docs/tutorial.md',
  ...readdirSync(join(ROOT, 'docs/how-to')).map(name => `docs/how-to/${name}`),
].filter(path => commandsOf(readFileSync(join(ROOT, path), 'utf8')).length > 0);

test('pages with commands are found', () => {
  assert.ok(
    pages.includes('README.md') && pages.includes('docs/tutorial.md') && pages.length > 5,
    String(pages),
  );
});

for (const path of pages) {
  test(`${path}: every command does what the page shows`, async () => {
    assert.ok((await tryPage(path)) > 0);
  });
}

test('a page that shows something else is found', () => {
  assert.equal(firstMissing(['a … c', 'd'], 'a b c\nx\nd\n'), undefined);
  assert.equal(firstMissing(['d', 'a b c'], 'a b c\nd\n'), 'a b c');
  assert.deepEqual(commandsOf('```console\n$ a \\\n> b\nc\n```\n```sh\n$ d\n```\n'), [
    { line: 2, command: 'a \\\nb', answer: ['c'] },
  ]);
});

test('links between pages lead somewhere', () => {
  const all = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs')];
  const broken = all.flatMap(path =>
    [...prose(path).matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)]
      .filter(([, to]) => !existsSync(join(ROOT, path, '..', to!)))
      .map(([, to]) => `${path}: ${to}`),
  );
  assert.deepEqual(broken, []);
});

test('files that a page names in backquotes exist', () => {
  const named = /`((?:src|test|docs|examples|scripts|bench|flows|bin)\/[\w./-]*)`/g;
  const missing = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs')].flatMap(path =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(named)]
      .filter(([, to]) => !existsSync(join(ROOT, to!)))
      .map(([, to]) => `${path}: ${to}`),
  );
  assert.deepEqual(missing, []);
});

test('files that a page shows are shown as they are', () => {
  const shown = ['README.md', ...markdownIn('docs')].flatMap(path =>
    [
      ...readFileSync(join(ROOT, path), 'utf8').matchAll(
        /`((?:examples|flows)\/[^`]+)`:\n\n```\w*\n([\s\S]*?)```/g,
      ),
    ].map(([, file, text]) => ({ path, file: file!, text })),
  );
  assert.ok(shown.length > 5);
  for (const { path, file, text } of shown)
    assert.equal(text, readFileSync(join(ROOT, file), 'utf8'), `${file} in ${path}`);
});

/** A page without its blocks of code. */
function prose(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `${folder}/${name}`);
}

test('each promise of docs/design/delivery.md names a test that is there', () => {
  const rows = [
    ...readFileSync(join(ROOT, 'docs/design/delivery.md'), 'utf8').matchAll(
      /^\| .* \| `([^`]+)` \| (.*) \|$/gm,
    ),
  ];
  assert.ok(rows.length >= 20);
  for (const [, file, name] of rows) {
    const text = readFileSync(join(ROOT, file!), 'utf8').replaceAll("\\'", "'");
    assert.ok(text.includes(name!), `${file} has no test "${name}"`);
  }
});
