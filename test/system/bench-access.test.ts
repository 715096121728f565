import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Row } from '../../bench/row.ts';

const MAIN = join(import.meta.dirname, '../../bench/access/main.ts');
const run = (...words: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words]);

// The figures are the machine's business; that every client is answered or stays held is checked by the measures themselves.
test('every measure works in its small form', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  try {
    const file = join(dir, 'rows.json');
    const { stdout } = await run('--quick', '--json', file);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    for (const { name } of rows) assert.ok(stdout.includes(name), name);
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, 'names are unique');
    const row = (end: string): Row => rows.find(({ name }) => name.endsWith(end)) ?? assert.fail(end);
    assert.equal(row('messages accepted').goal, 'ratio >= 0.6');
    assert.equal(row('clients, p99').goal, 'ratio <= 2');
    assert.ok(row('messages accepted').value > 0);
    assert.equal(row('scripts run').goal, 'ratio >= 1');
    assert.equal(row('waited all the while, at least').met, true);
    assert.ok(row('submitted to done, p99').value > 0);
    assert.equal(row('idle event streams on one server').met, true);
    assert.equal(row('workers that wait for work, beside them').met, true);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('what it cannot do it says before it measures', async () => {
  await assert.rejects(run('--only', 'speed'), { code: 2, stdout: '' });
  await assert.rejects(run('--quick', '--write'), { code: 2, stdout: '' });
});
