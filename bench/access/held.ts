import { join } from 'node:path';
import { plainRow, type Row } from '../row.ts';
import { Child } from './child.ts';
import type { Memory } from './coax-server.ts';
import type { Held, Hold, Load, LoadResult } from './load.ts';

const FULL = { streams: 10_000, workers: 5000, probeMs: 3000 };
const QUICK = { streams: 50, workers: 20, probeMs: 200 };

/**
 * Idle event streams, then long-polling workers as well, all on one server: what each costs in memory, that none is dropped,
 * and how others are answered meanwhile.
 */
export async function measureHeld(quick: boolean): Promise<Row[]> {
  const { streams, workers, probeMs } = quick ? QUICK : FULL;
  await using opened = new AsyncDisposableStack();
  const start = (file: string): Child => {
    const child = new Child(join(import.meta.dirname, file));
    opened.defer(() => child.end());
    return child;
  };
  const server = start('coax-server.ts');
  // A process may have only so many files open, so the streams and the workers are two.
  const streaming = start('load.ts');
  const polling = start('load.ts');
  const where = await server.ask<{ url: string; token: string }>('where');
  const probe = { ...where, method: 'GET', path: '/v1/hosts', body: '', clients: 1, ms: probeMs };
  const load = (): Promise<LoadResult> => polling.ask({ ...probe, kind: 'load' } satisfies Load);
  await load();
  const alone = await load();
  const empty = await server.ask<Memory>('memory');
  const stream = { method: 'GET', path: '/v1/events', body: '', stream: true, clients: streams };
  await streaming.ask({ kind: 'hold', ...where, ...stream } satisfies Hold);
  const streamed = await server.ask<Memory>('memory');
  const body = JSON.stringify({
    worker: 'bench-#',
    addresses: ['bench-nobody'],
    limit: 1,
    leaseMs: 30_000,
    waitMs: 60_000,
  });
  const claim = { method: 'POST', path: '/v1/channel/claim', body, stream: false, clients: workers };
  await polling.ask({ kind: 'hold', ...where, ...claim } satisfies Hold);
  const polled = await server.ask<Memory>('memory');
  const beside = await load();
  const told = await tellAll(server, streaming, streams);
  const left = await streaming.ask<Held>({ kind: 'holding' });
  const waiting = await polling.ask<Held>({ kind: 'holding' });
  if (waiting.refused > 0) throw new Error(`${waiting.refused} waits for work were refused`);
  const each = (after: Memory, before: Memory, what: keyof Memory, many: number): number =>
    (after[what] - before[what]) / many / 1024;
  return [
    plainRow('held: idle event streams on one server', left.connected, 'streams', `value >= ${streams}`),
    plainRow('held: memory for each stream', each(streamed, empty, 'resident', streams), 'KiB'),
    plainRow('held: of it on the heap', each(streamed, empty, 'heap', streams), 'KiB'),
    plainRow(
      'held: workers that wait for work, beside them',
      waiting.connected,
      'workers',
      `value >= ${workers}`,
    ),
    plainRow('held: memory for each worker', each(polled, streamed, 'resident', workers), 'KiB'),
    plainRow('held: of it on the heap, for each worker', each(polled, streamed, 'heap', workers), 'KiB'),
    plainRow('held: memory of the server with all of them', polled.resident / 2 ** 20, 'MiB'),
    plainRow('held: one event to all streams', told, 'ms'),
    plainRow('held: GET /v1/hosts with nobody held, p50', alone.p50, 'ms'),
    plainRow('held: GET /v1/hosts with all of them held, p50', beside.p50, 'ms'),
    plainRow('held: GET /v1/hosts with all of them held, p99', beside.p99, 'ms'),
  ];
}

/** Submits a message; milliseconds until every stream has heard of it. */
async function tellAll(server: Child, streaming: Child, streams: number): Promise<number> {
  const { url, token } = await server.ask<{ url: string; token: string }>('where');
  await streaming.ask({ kind: 'holding' });
  const began = performance.now();
  const answered = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ flow: 'create_vm', parameters: { cpu: 1, mem: 128 } }),
  });
  if (answered.status !== 202) throw new Error(`the message was refused: ${answered.status}`);
  // The shortest event is longer than that, and a ping is shorter by far.
  for (let bytes = 0; bytes < streams * 300; ) {
    await new Promise(resolve => setTimeout(resolve, 5));
    bytes += (await streaming.ask<Held>({ kind: 'holding' })).bytes;
  }
  return performance.now() - began;
}
