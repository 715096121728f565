import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BY_SIZE } from '../../bench/placement/memory/select.ts';
import { placementInstalled } from '../../bench/placement/openstack/server.ts';
import { peerRow } from '../../bench/placement/report/peer-row.ts';
import { chartOf, section, sizeChartOf } from '../../bench/placement/report/write-page.ts';
import { comparedRow, plainRow, type Row } from '../../bench/row.ts';

const MAIN = join(import.meta.dirname, '../../bench/placement/main.ts');
const run = (...words: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words]);

async function rowsOf(...only: string[]): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  try {
    const file = join(dir, 'rows.json');
    const { stdout } = await run('--quick', '--json', file, ...only.flatMap(name => ['--only', name]));
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    for (const { name } of rows) assert.ok(stdout.includes(`${name}  `), name);
    assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, 'names are unique');
    return rows;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Rows by the end of their name, with the goals that judge them. */
const GOALS: readonly (readonly [string, string | null])[] = [
  [': all filters on, p99', 'value <= 50'],
  [': all filters on, p50', 'ratio >= 50'],
  ['hosts chosen and claimed, 256 in a transaction', 'value >= 20000'],
  ['hosts chosen and claimed, one by one', 'value >= 3000'],
  ['hosts chosen and claimed, 16 in a transaction, 2 schedulers, by itself', 'value >= 10000'],
  ['hosts chosen and claimed by messages, one by one', null],
  ['caches 100 ms old: claims lost to others', 'value <= 2'],
  ['VMs created by whole messages, every transition durable', 'value >= 6000'],
  ['hosts chosen and claimed by messages, 8 clients, p99', 'value <= 20'],
  ['hosts over-committed, claims lost or double', 'value <= 0'],
  ['mean of hosts in use', null],
];

// The figures are the machine's business; that every message is done and the books are right is checked by the measures themselves.
test('every measure works in its small form, and the books are right after each', async () => {
  const rows = await rowsOf(
    'select',
    'conflicts',
    'embedded-claims',
    'rebuild',
    'postgres-claims',
    'embedded',
    'http',
    'kill',
    'packing',
  );
  for (const [end, goal] of GOALS) {
    const row = rows.find(({ name }) => name.endsWith(end)) ?? assert.fail(end);
    assert.equal(row.goal, goal, end);
  }
  const faults = rows.find(({ unit }) => unit === 'faults');
  assert.equal(faults?.value, 0, 'no claim is lost or double after a kill');
  for (const { name, value, unit } of rows) assert.ok(unit === 'faults' || unit === '%' || value > 0, name);
});

const skip = placementInstalled() ? false : 'OpenStack Placement is not installed';
test('OpenStack Placement answers and claims, and its own books are right', { skip }, async () => {
  const rows = await rowsOf('openstack');
  assert.equal(rows.length, 4);
  for (const { name, value } of rows)
    assert.ok(name.startsWith('OpenStack Placement, 20 hosts: ') && value > 0, name);
});

test('beside a peer that was not measured nothing is judged', () => {
  assert.equal(peerRow('a', 10, 'claims/s', null, 'ratio >= 5').met, null);
  assert.equal(peerRow('a', 10, 'claims/s', 2, 'ratio >= 5').met, true);
  assert.equal(peerRow('a', 10, 'claims/s', 3, 'ratio >= 5').met, false);
});

test('the section names the peer and has a line for each row; the chart has the claims alone', () => {
  const rows = [
    plainRow('SQLite, 10 hosts: hosts chosen and claimed by messages, one by one', 700, 'claims/s'),
    plainRow('OpenStack Placement, 10 hosts: candidates and claim, 8 clients', 7, 'claims/s'),
    plainRow('something else', 3, 'ms'),
  ];
  const text = section(rows, { where: 'a machine', peer: '8.0.0-2', day: '2000-01-01' });
  assert.ok(text.includes('OpenStack Placement 8.0.0-2') && text.includes('| something else | 3 ms |'));
  const chart = chartOf(rows);
  assert.ok(
    chart.includes('>SQLite, 10 hosts: messages, one by one<') &&
      chart.includes('>OpenStack Placement, 10 hosts: 8 clients<'),
  );
  assert.equal(chart.match(/<rect /g)?.length, 2);
  const sized = comparedRow(`${BY_SIZE}10 hosts`, 'µs', 'a scan', [{ value: 2, reference: 20 }]);
  assert.equal(sizeChartOf([...rows, sized]).match(/<rect /g)?.length, 2);
});

test('what it cannot do it says before it measures', async () => {
  await assert.rejects(run('--only', 'speed'), { code: 2, stdout: '' });
  await assert.rejects(run('--quick', '--write'), { code: 2, stdout: '' });
});
