/** What is built: small, hashed, and nothing inline. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CONSOLE_PATHS } from '../../src/access/console/console-routes.ts';
import { exec } from '../../src/linux/process/exec.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'web/dist');
const FIRST_LOAD_BYTES_MAX = 250_000;

before(async () => {
  const built = await exec('sh', [join(ROOT, 'scripts/build.sh'), '--stale'], { timeoutMs: 120_000 });
  assert.equal(built.code, 0, built.stderr);
});

const page = (): string => readFileSync(join(DIST, 'index.html'), 'utf8');

/** A script with all that it imports before it runs, and so on; what it loads later is not among them. */
function withImports(names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    const text = readFileSync(join(DIST, 'assets', name), 'utf8');
    for (const [, other] of text.matchAll(/(?:import|from)\s*["']\.\/([^"']+\.js)["']/g)) open.push(other!);
  }
  return found;
}

const bytesOf = (names: Iterable<string>): number =>
  [...names].reduce((sum, name) => sum + gzipSync(readFileSync(join(DIST, 'assets', name))).length, 0);

test('the first load of any screen is under 250 kB of script, compressed', () => {
  const first = [...page().matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)].map(([, name]) => name!);
  assert.ok(first.length > 0);
  const all = readdirSync(join(DIST, 'assets')).filter(name => name.endsWith('.js'));
  const shell = withImports(first);
  let largest = 0;
  for (const screen of all) largest = Math.max(largest, bytesOf(withImports([...shell, screen])));
  console.log(`first load: shell ${bytesOf(shell)} bytes, with its largest screen ${largest}, gzip`);
  assert.ok(largest < FIRST_LOAD_BYTES_MAX, `${largest} bytes`);
});

test('the document has no script, no style and no handler of its own, and every file a hash in its name', () => {
  const text = page();
  assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
  for (const [, name] of text.matchAll(/(?:src|href)="([^"]+)"/g))
    assert.match(name!, /^\/assets\/.+-[\w-]{8}\.\w+$/);
});

test('the server answers the address of every screen with the document', () => {
  const router = readFileSync(join(ROOT, 'web/src/router.tsx'), 'utf8');
  const paths = [...router.matchAll(/\bpath: '([^']+)'/g)].map(([, path]) => path!.replaceAll('$', ':'));
  assert.ok(paths.length >= 5);
  for (const path of paths) assert.ok((CONSOLE_PATHS as readonly string[]).includes(path), path);
});

test('both languages have the same holes in their texts', async () => {
  const { en } = await import('../../web/src/words/en.ts');
  const { zh } = await import('../../web/src/words/zh.ts');
  const holes = (text: string): string => (text.match(/\{\w+\}/g) ?? []).sort().join();
  for (const [name, text] of Object.entries(en))
    assert.equal(holes(zh[name as keyof typeof en]), holes(text), name);
});
