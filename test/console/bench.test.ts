/** The benchmark of the console works in its small form; its figures are the machine's business. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Row } from '../../bench/row.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { ROOT } from '../house/tree.ts';

test('each measure of bench:console tells its figures', async () => {
  const built = await exec('sh', [join(ROOT, 'scripts/build.sh'), '--stale'], { timeoutMs: 120_000 });
  assert.equal(built.code, 0, built.stderr);
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-console-test-'));
  try {
    const file = join(dir, 'rows.json');
    const main = join(ROOT, 'bench/console/main.ts');
    const words = ['--disable-warning=ExperimentalWarning', main, '--quick', '--json', file];
    const end = await exec(process.execPath, words, { timeoutMs: 300_000 });
    assert.equal(end.code, 0, end.stderr);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    assert.equal(rows.length, 4 * 4 + 2);
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, 'names are unique');
    const script = rows.find(({ unit }) => unit === 'kB')!;
    assert.ok(script.value > 50 && script.met, `${script.value} kB`);
    const drawn = rows.find(({ unit }) => unit === 'rows')!;
    assert.ok(drawn.value > 10 && drawn.value < 200, 'only rows in sight are in the document');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
