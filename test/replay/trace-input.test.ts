import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CoaxError } from '../../src/errors/coax-error.ts';
import { seededRandom } from '../../src/replay/random.ts';
import { inflate } from '../../src/replay/trace/inflate.ts';
import { gpuMilliOf, readEvents, type TraceEvent } from '../../src/replay/trace/read-events.ts';
import { readHosts } from '../../src/replay/trace/read-hosts.ts';
import { generateHosts, generateTrace } from './generate-trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-trace-'));
after(() => rmSync(folder, { recursive: true }));

function fileOf(bytes: string | Uint8Array): string {
  const file = join(folder, 'trace.csv');
  writeFileSync(file, bytes);
  return file;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const HEAD = 't,op,vm,cpu,mem_mib,gpu,gpu_milli,gpu_model';

it('plain and packed, with CR LF and a byte order mark, say the same', async () => {
  const text = generateTrace({ vms: 2000, seed: 1, everyS: 5, lifeS: 900, gpus: 0.5 });
  const plain = await all(readEvents(fileOf(text)));
  assert.equal(plain.length, 4000);
  assert.deepEqual(await all(readEvents(fileOf(gzipSync(text)))), plain);
  assert.deepEqual(await all(readEvents(fileOf(`\uFEFF${text.replaceAll('\n', '\r\n')}`))), plain);
});

it('columns may stand in any order, and those of GPUs may be missing', async () => {
  const [event] = await all(readEvents(fileOf('mem_mib,note,vm,op,cpu,t\n512,x,a,C,0.25,3')));
  const gpus = { gpu: 0, gpuMilli: 0, gpuModels: [] };
  assert.deepEqual(event, { atS: 3, op: 'C', vm: 'a', cpuMilli: 250, memMib: 512, ...gpus });
});

it('of a delete only time and name are read; a VM may ask for a GPU alone', async () => {
  const rows = ['0,C,a,0,0,1,500,', '1,C,b,1,1,0,0,', '2,D,a,,,,,', '3,D,b,any,-1,0,7,x'];
  const events = await all(readEvents(fileOf([HEAD, ...rows].join('\n'))));
  assert.deepEqual(
    events.map(({ atS, op, vm, cpuMilli, gpuMilli }) => [atS, op, vm, cpuMilli, gpuMilli]),
    [
      [0, 'C', 'a', 0, 500],
      [1, 'C', 'b', 1000, 0],
      [2, 'D', 'a', 0, 0],
      [3, 'D', 'b', 0, 0],
    ],
  );
});

const BAD: readonly (readonly [name: string, text: string, line: number | null, reason: RegExp])[] = [
  ['an empty file', '', null, /empty/],
  ['a head without cpu', 't,op,vm,mem_mib\n', 1, /lacks the column cpu/],
  ['a head with a column twice', 't,t,op,vm,cpu,mem_mib\n', 1, /twice/],
  ['a field too few', `${HEAD}\n0,C,a,1,1,0,0,\n1,C,b,1\n`, 3, /has 4 fields, its head 8/],
  ['a time that is none', `${HEAD}\nsoon,C,a,1,1,0,0,\n`, 2, /^column t: "soon" is not a number/],
  ['time that goes back', `${HEAD}\n5,C,a,1,1,0,0,\n4,C,b,1,1,0,0,\n`, 3, /^column t: 4 is before/],
  ['another op', `${HEAD}\n0,X,a,1,1,0,0,\n`, 2, /^column op: "X" is unknown/],
  ['no name', `${HEAD}\n0,C,,1,1,0,0,\n`, 2, /^column vm/],
  ['a negative cpu', `${HEAD}\n0,C,a,-1,1,0,0,\n`, 2, /^column cpu/],
  ['cpu that no number holds', `${HEAD}\n0,C,a,1e300,1,0,0,\n`, 2, /^column cpu/],
  ['half a MiB', `${HEAD}\n0,C,a,1,1.5,0,0,\n`, 2, /^column mem_mib: 1.5 is not whole/],
  ['a VM of nothing', `${HEAD}\n0,C,a,0,0,0,0,\n`, 2, /^column cpu: the VM asks for no CPU/],
  ['a share without a GPU', `${HEAD}\n0,C,a,1,1,0,500,\n`, 2, /^column gpu_milli/],
  ['a share of two GPUs', `${HEAD}\n0,C,a,1,1,2,500,\n`, 2, /^column gpu_milli/],
  ['more than a whole GPU', `${HEAD}\n0,C,a,1,1,1,1001,\n`, 2, /^column gpu_milli/],
  ['a VM created twice', `${HEAD}\n0,C,a,1,1,0,0,\n1,C,a,1,1,0,0,\n`, 3, /^column vm: a was created before/],
  ['a VM deleted twice', `${HEAD}\n0,C,a,1,1,0,0,\n1,D,a,1,1,0,0,\n2,D,a,1,1,0,0,\n`, 4, /deleted twice/],
  ['a VM deleted unborn', `${HEAD}\n0,D,a,1,1,0,0,\n`, 2, /^column vm: a is deleted but was never created/],
];

for (const [name, text, line, reason] of BAD) {
  it(`says where and what to do: ${name}`, async () => {
    const file = fileOf(text);
    await assert.rejects(all(readEvents(file)), (error: unknown) => {
      assert.ok(error instanceof CoaxError && error.code === 'COAX_USAGE', String(error));
      assert.match(error.reason, reason);
      assert.equal(error.where, line === null ? file : `${file}:${line}`);
      assert.ok(error.hint.length > 10);
      return true;
    });
  });
}

it('what is no text, or cut short, or missing, is told of as such', async () => {
  const packed = gzipSync(generateTrace({ vms: 5000, seed: 2, everyS: 1, lifeS: 10 }));
  await assert.rejects(all(readEvents(fileOf(packed.subarray(0, packed.length / 2)))), /cannot be read/);
  await assert.rejects(all(readEvents(fileOf(Buffer.alloc(200_000, 0xff)))), /not a CSV file in UTF-8/);
  await assert.rejects(all(readEvents(fileOf('x'.repeat(200_000)))), /not a CSV file/);
  await assert.rejects(all(readEvents(join(folder, 'none.csv'))), /cannot be read/);
  await assert.rejects(all(readEvents(folder)), /cannot be read/);
});

it('hosts: names are unique, and at least one is there', async () => {
  assert.equal((await readHosts(fileOf(generateHosts(7)))).length, 7);
  await assert.rejects(readHosts(fileOf('host,cpu,mem_mib\na,1,1\na,1,1\n')), /column host: a stands twice/);
  await assert.rejects(readHosts(fileOf('host,cpu,mem_mib\n')), /no host/);
  await assert.rejects(readHosts(fileOf('host,cpu,mem_mib\nno name,1,1\n')), /cannot name a host/);
});

it('inflation asks for the share, ends with the request that reaches it, and only depends on the seed', async () => {
  const file = fileOf(generateTrace({ vms: 200, seed: 3, everyS: 5, lifeS: 900, gpus: 0.6 }));
  const once = (seed: number, share: number): Promise<TraceEvent[]> =>
    all(inflate(readEvents(file), share, 500_000, seededRandom(seed)));
  const events = await once(7, 1.3);
  const asked = events.reduce((sum, event) => sum + gpuMilliOf(event), 0);
  assert.ok(asked >= 650_000 && asked - gpuMilliOf(events.at(-1)!) < 650_000);
  assert.ok(events.every(event => event.op === 'C'));
  assert.equal(new Set(events.map(event => event.vm)).size, events.length);
  assert.ok(events.every((event, index) => index === 0 || events[index - 1]!.atS <= event.atS));
  assert.deepEqual(await once(7, 1.3), events);
  assert.notDeepEqual(await once(8, 1.3), events);
  const few = await once(7, 0.01);
  assert.ok(few.length < 200, 'a small share needs only the beginning of the trace');
  await assert.rejects(all(inflate(readEvents(file), 1, 0, seededRandom(1))), /the hosts have no GPU/);
});
