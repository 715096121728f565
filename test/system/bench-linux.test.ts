import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Row } from '../../bench/row.ts';
import { exec } from '../../src/linux/process/exec.ts';

const MAIN = join(import.meta.dirname, '../../bench/linux/main.ts');

// The figures are the machine's business; that all of the memory is searched is checked by the measure itself.
test('what needs no iotop works in its small form', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  try {
    const file = join(dir, 'rows.json');
    const words = ['--quick', '--only', 'memory,top', '--json', file];
    const end = await exec(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words], {
      timeoutMs: 100_000,
    });
    assert.equal(end.code, 0, end.stderr);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    assert.equal(new Set(rows.map(({ name }) => name)).size, 4, 'names are unique');
    assert.ok(rows.every(({ name, value }) => value > 0 && end.stdout.includes(name)));
    assert.equal(rows[0]!.goal, 'value >= 300');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
