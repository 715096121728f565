import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SERVER_FLAGS } from '../../bench/child/server-flags.ts';
import type { Row } from '../../bench/row.ts';

const MAIN = join(import.meta.dirname, '../../bench/main.ts');
const run = (...words: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words]);

test('what is measured starts Node as bin/coax does', () => {
  const start = readFileSync(join(import.meta.dirname, '../../bin/coax'), 'utf8');
  assert.ok(start.includes(`exec "$node" ${SERVER_FLAGS.join(' ')} "$root/src/cli/main.ts"`));
});

/** Every figure that must be reached, by the start of its name. */
const GOALS = {
  'saturation: transitions': 'ratio >= 0.5',
  'idle: one flow of four steps, p50': 'ratio < 3',
  'rollback: transitions': 'ratio >= 0.8',
  'queue: claim': 'ratio <= 1.5',
  'queue: peak memory': 'ratio <= 1.1',
  'deep message: show one of': 'value < 10',
  'executables: steps': 'ratio >= 0.8',
  'rollout: to': 'value >= 200',
};
const TOLD = ['idle: one flow of four steps, p99', 'saturation: CPU for 1,000 flows', 'memory: peak of'];

// What the figures are is the machine's business and decides nothing here: only the rows' shape does.
test('the benchmark measures everything that is promised, and writes it as rows', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  try {
    const file = join(dir, 'rows.json');
    const { stdout } = await run('--quick', '--json', file);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    for (const row of rows) assertShape(row);
    for (const [name, goal] of Object.entries(GOALS))
      assert.equal(rows.find(row => row.name.startsWith(name))?.goal, goal, name);
    for (const name of TOLD)
      assert.ok(
        rows.some(row => row.name.startsWith(name)),
        name,
      );
    assert.equal(new Set(rows.map(row => row.name)).size, rows.length, 'names are unique');
    const lines = stdout.split('\n');
    for (const { name } of rows)
      assert.ok(
        lines.some(line => line.startsWith(`${name}  `)),
        name,
      );
    assert.match(stdout, /^\d+ cores .*Node \d+.*SQLite \d+/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a measure that there is not is told by name, and nothing is measured', async () => {
  await assert.rejects(run('--only', 'speed'), (error: { code: number; stderr: string; stdout: string }) => {
    assert.equal(error.code, 2);
    assert.match(error.stderr, /there is no measure "speed"[\s\S]*saturation/);
    assert.equal(error.stdout, '');
    return true;
  });
});

test('quick figures never get into the documentation', async () => {
  await assert.rejects(run('--quick', '--write'), { code: 2 });
});

function assertShape(row: Row): void {
  const text = JSON.stringify(row);
  const members = ['name', 'value', 'unit', 'reference', 'referenceValue', 'ratio', 'goal', 'met'];
  assert.deepEqual(Object.keys(row), members);
  assert.ok(Number.isFinite(row.value) && row.value > 0, text);
  assert.ok(row.unit.length > 0, text);
  const compared = row.reference !== null;
  assert.equal(typeof row.referenceValue, compared ? 'number' : 'object', text);
  assert.equal(typeof row.ratio, compared ? 'number' : 'object', text);
  if (row.goal === null) {
    assert.equal(row.met, null);
    return;
  }
  const [, of, sign, bound] = /^(ratio|value) (>=|<=|<) ([\d.]+)$/.exec(row.goal) ?? assert.fail(text);
  const figure = (of === 'ratio' ? row.ratio : row.value) as number;
  const holds =
    sign === '>='
      ? figure >= Number(bound)
      : sign === '<='
        ? figure <= Number(bound)
        : figure < Number(bound);
  assert.equal(row.met, holds, text);
}
