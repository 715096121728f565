import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { barChart } from '../../bench/peers/harness/chart.ts';
import { treeCpuSeconds } from '../../bench/peers/harness/cpu.ts';
import type { Figures } from '../../bench/peers/harness/round.ts';
import { type Measured, rowsOf } from '../../bench/peers/harness/rows.ts';
import { section } from '../../bench/peers/harness/write-page.ts';
import { PEERS } from '../../bench/peers/peers.ts';
import type { Row } from '../../bench/row.ts';

const MAIN = join(import.meta.dirname, '../../bench/peers/main.ts');
const run = (...words: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words]);

// The other systems are not installed for the tests; Coax on SQLite needs nothing but itself.
test('a round of Coax goes through the same driver, and every flow is found complete in its store', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  try {
    const file = join(dir, 'rows.json');
    const { stdout } = await run('--quick', '--only', 'coax-sqlite', '--json', file);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    assert.deepEqual(
      rows.map(({ name, goal }) => [name, goal]),
      [
        ['Coax, SQLite: steps', null],
        ['Coax, SQLite: CPU for 1,000 flows', null],
        ['Coax, SQLite: one flow at idle, p50', 'value < 2'],
        ['Coax, SQLite: one flow at idle, p99', null],
      ],
    );
    for (const { name, value } of rows) {
      assert.ok(value > 0, name);
      assert.ok(stdout.includes(`${name}  `), name);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('what it cannot do it says before it measures', async () => {
  await assert.rejects(run('--only', 'celery'), { code: 2, stdout: '' });
  await assert.rejects(run('--quick', '--write'), { code: 2, stdout: '' });
});

/** Rounds in which the system does so many steps a second; the other figures are the name's length. */
function rounds(name: string, steps: readonly number[]): Measured {
  const peer = PEERS.find(peer => peer.name === name) ?? assert.fail(name);
  const figures = (stepsPerSecond: number): Figures => ({
    stepsPerSecond,
    cpuPerThousandFlows: name.length,
    idleP50Ms: name.length,
    idleP99Ms: name.length,
  });
  return { peer, rounds: steps.map(figures) };
}

test('ratios are of the same round, and goals are judged by their median', () => {
  const rows = rowsOf([
    rounds('coax-sqlite', [100, 60, 10]),
    rounds('coax-postgres', [50, 49, 70]),
    rounds('floor-postgres', [100, 100, 100]),
    rounds('bullmq-everysec', [50, 50, 10]),
  ]);
  const steps = rows.filter(({ name }) => name.endsWith(': steps'));
  assert.deepEqual(
    steps.map(({ name, ratio, goal, met }) => [name, ratio, goal, met]),
    [
      ['Coax, SQLite beside BullMQ, everysec: steps', 1.2, 'ratio >= 1.5', false],
      ['Coax, PostgreSQL beside Floor of PostgreSQL: steps', 0.5, 'ratio >= 0.5', true],
      ['Coax, PostgreSQL beside BullMQ, everysec: steps', 1, null, null],
    ],
  );
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, 'names are unique');
});

test('every goal names systems that there are', () => {
  const rows = rowsOf(PEERS.map(({ name }) => rounds(name, [1])));
  assert.equal(rows.filter(({ goal }) => goal?.startsWith('ratio >=')).length, 7 + 3);
  assert.equal(rows.filter(({ goal }) => goal === 'ratio < 1').length, 2 * 7);
});

test('the section has a line for each system and says how it is set up', () => {
  const text = section(
    PEERS.map(({ name }) => rounds(name, [1234])),
    'a machine',
    '2000-01-01',
  );
  for (const { title, setUp } of PEERS) {
    assert.ok(text.includes(`| ${title} | 1,234 |`), title);
    assert.ok(text.includes(`- **${title}**: ${setUp}.`), title);
  }
});

test('a bar ten times as long as another is one line further', () => {
  const chart = barChart('Speed & <more>', 'steps/s', [
    { label: 'a', value: 10, ours: false },
    { label: 'b', value: 100, ours: true },
    { label: 'c', value: 1000, ours: false },
  ]);
  const widths = [...chart.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  const [a = 0, b = 0, c = 0] = widths;
  assert.equal(widths.length, 3);
  assert.ok(Math.abs(c - b - (b - a)) < 0.2, widths.join(' '));
  assert.ok(chart.includes('Speed &amp; &lt;more>'));
});

test('the CPU time of a process includes that of children that have ended', async () => {
  const before = treeCpuSeconds([process.pid]);
  const burn = 'const t = process.cpuUsage(); while (process.cpuUsage(t).user < 300_000);';
  await promisify(execFile)(process.execPath, ['-e', burn]);
  assert.ok(treeCpuSeconds([process.pid]) - before >= 0.29);
});
