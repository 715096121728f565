import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ReplayOptions, type ReplayReport, runReplay } from '../../src/cli/compose/run-replay.ts';
import { generateHosts, generateTrace } from './generate-trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-trace-'));
after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, gzipSync(text));
  return file;
}

const vms = fileOf('vms.csv.gz', generateTrace({ vms: 300, seed: 11, everyS: 20, lifeS: 1500 }));
const pods = fileOf('pods.csv.gz', generateTrace({ vms: 800, seed: 13, everyS: 10, lifeS: 4000, gpus: 0.8 }));

const SMALL = { count: 6, cpu: 32, memMib: 65_536 };
const USUAL = { inflate: null, policy: '', seed: 1, direct: false, onProgress: () => {} };
const run = (
  options: Partial<ReplayOptions> & Pick<ReplayOptions, 'events' | 'hosts'>,
): Promise<ReplayReport> => runReplay({ ...USUAL, ...options });

it('the whole system: each create is a message, each delete its revert; the figures are those of the golden file', async () => {
  const report = await run({ events: vms, hosts: SMALL });
  const golden = JSON.parse(readFileSync(new URL('system.json', import.meta.url), 'utf8'));
  const { densityOverTime, ...figures } = report;
  assert.deepEqual(figures, golden);
  assert.ok(report.rejected > 0 && report.accepted > 200, 'the trace fills the hosts at times');
  assert.ok(densityOverTime.length > 20 && densityOverTime.every(point => point.packed <= 1));
  assert.deepEqual(await run({ events: vms, hosts: SMALL }), report, 'the same seed gives the same result');
});

it('the whole system chooses the hosts that placement alone chooses, with GPUs and by another policy', async () => {
  const shares = fileOf(
    'gpus.csv.gz',
    generateTrace({ vms: 120, seed: 14, everyS: 10, lifeS: 900, gpus: 0.8 }),
  );
  const hosts = fileOf('few.csv.gz', generateHosts(8));
  for (const policy of ['', 'spread']) {
    const whole = await run({ events: shares, hosts, policy });
    assert.ok(whole.gpusGiven > 0 && whole.accepted > 60);
    assert.deepEqual(whole, await run({ events: shares, hosts, policy, direct: true }));
  }
});

const nodes = fileOf('nodes.csv.gz', generateHosts(30));
const crowd = fileOf('crowd.csv.gz', generateTrace({ vms: 3000, seed: 12, everyS: 10, lifeS: 4000 }));
const CROWDED = { count: 60, cpu: 32, memMib: 131_072 };

it('placement alone: the figures are those of the golden file, with GPUs and without', async () => {
  const golden = JSON.parse(readFileSync(new URL('direct.json', import.meta.url), 'utf8'));
  const figures = {
    plain: await run({ events: vms, hosts: SMALL, direct: true }),
    gpus: await run({ events: pods, hosts: nodes, direct: true }),
    inflated: await run({ events: pods, hosts: nodes, direct: true, inflate: 1.3, seed: 5 }),
  };
  for (const [name, { densityOverTime, ...report }] of Object.entries(figures)) {
    assert.deepEqual(report, golden[name], name);
    assert.ok(densityOverTime.length > 20 && densityOverTime.length <= 128);
    assert.equal(report.accepted + report.rejected, report.requests);
  }
  const { gpusAsked, gpusGiven, gpusTotal } = figures.inflated;
  assert.ok(gpusAsked >= 1.3 * gpusTotal && gpusGiven <= gpusTotal && gpusGiven > 0.8 * gpusTotal);
  assert.deepEqual(
    await run({ events: pods, hosts: nodes, direct: true, inflate: 1.3, seed: 5 }),
    figures.inflated,
  );
});

it('on a fleet with room no needless host is opened: as many as the fullest moment asks for, and few more', async () => {
  const { rejected, hostsUsed, densityOverTime } = await run({ events: crowd, hosts: CROWDED, direct: true });
  assert.equal(rejected, 0);
  const fullest = Math.max(...densityOverTime.map(point => point.hostsInUse));
  assert.ok(hostsUsed < 60 && hostsUsed < fullest * 1.25, `${hostsUsed} hosts, ${fullest} in use at most`);
});

it('an unknown policy is refused, and so is a trace that creates nothing', async () => {
  await assert.rejects(
    run({ events: vms, hosts: SMALL, direct: true, policy: 'none' }),
    /there is no policy "none"/,
  );
  await assert.rejects(run({ events: vms, hosts: SMALL, policy: 'none' }), /there is no policy "none"/);
  const empty = fileOf('empty.csv.gz', 't,op,vm,cpu,mem_mib\n');
  await assert.rejects(run({ events: empty, hosts: SMALL, direct: true }), /creates no VM/);
});

it('the whole system takes parts of CPUs, of VMs and of hosts, and VMs without memory or CPUs, as placement alone does', async () => {
  const rows = generateTrace({ vms: 120, seed: 21, everyS: 10, lifeS: 900, gpus: 0.5 }).split('\n');
  const parts = rows.map((row, index) => {
    const fields = row.split(',');
    // A create and its delete ask for the same.
    const number = Number(fields[2]?.slice(3));
    if (index === 0 || fields.length < 5) return row;
    if (number % 3 === 0) fields[3] = String(Number(fields[3]) - 0.848);
    if (number % 40 === 7) fields[3] = '0';
    if (number % 40 === 8) fields[4] = '0';
    if (number % 40 === 9) fields[4] = '50';
    return fields.join(',');
  });
  const events = fileOf('parts.csv.gz', parts.join('\n'));
  const hosts = fileOf('part-hosts.csv.gz', generateHosts(6).replaceAll(',16,', ',15.5,'));
  const whole = await run({ events, hosts });
  assert.ok(whole.accepted > 60 && whole.rejected > 0, JSON.stringify(whole));
  assert.deepEqual(whole, await run({ events, hosts, direct: true }));
  assert.deepEqual(whole, await run({ events, hosts }), 'the same trace gives the same result');
});
