import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ReplayOptions, type ReplayReport, runReplay } from '../../src/cli/compose/run-replay.ts';
import { generateTrace } from './generate-trace.ts';

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

it('the whole system refuses at once what its flow cannot ask for, and says what can', async () => {
  const asked = run({ events: pods, hosts: { count: 2, cpu: 64, memMib: 131_072 } });
  await assert.rejects(asked, /which the flow create_vm cannot ask for/);
});
