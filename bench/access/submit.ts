import { join } from 'node:path';
import { comparedRow, inTurns, type Pair, type Row } from '../row.ts';
import { Child } from './child.ts';
import type { Load, LoadResult } from './load.ts';

const FULL = { ms: 3000, warmUpMs: 3000, rounds: 3, clients: [1, 16, 64] };
const QUICK = { ms: 200, warmUpMs: 100, rounds: 1, clients: [8] };
const BODY = JSON.stringify({ flow: 'create_vm', parameters: { cpu: 2, mem: 4096 } });
const REFERENCE = 'bare route, one durable row';

/** `POST /v1/messages` beside a bare route that inserts one durable row, each with the same clients. */
export async function measureSubmit(quick: boolean): Promise<Row[]> {
  const { ms, warmUpMs, rounds, clients } = quick ? QUICK : FULL;
  await using opened = new AsyncDisposableStack();
  const start = (file: string): Child => {
    const child = new Child(join(import.meta.dirname, file));
    opened.defer(() => child.end());
    return child;
  };
  const coax = start('coax-server.ts');
  const bare = start('bare-server.ts');
  const clientsOf = start('load.ts');
  const load = async (server: Child, many: number, time: number): Promise<LoadResult> => {
    const where = await server.ask<{ url: string; token: string }>('where');
    const question: Load = {
      ...where,
      kind: 'load',
      method: 'POST',
      path: '/v1/messages',
      body: BODY,
      clients: many,
      ms: time,
    };
    const result = await clientsOf.ask<LoadResult>(question);
    if (result.refused > 0) throw new Error(`${result.refused} requests were refused`);
    return result;
  };
  for (const server of [coax, bare]) await load(server, 64, warmUpMs);
  const rows: Row[] = [];
  for (const many of clients) {
    const pairs = await inTurns(
      rounds,
      () => load(coax, many, ms),
      () => load(bare, many, ms),
    );
    const of = (figure: 'perSecond' | 'p50' | 'p99'): Pair[] =>
      pairs.map(({ value, reference }) => ({ value: value[figure], reference: reference[figure] }));
    const name = `submit: ${many} ${many === 1 ? 'client' : 'clients'}`;
    rows.push(
      comparedRow(`${name}, messages accepted`, 'messages/s', REFERENCE, of('perSecond'), 'ratio >= 0.6'),
      comparedRow(`${name}, p50`, 'ms', REFERENCE, of('p50')),
      comparedRow(`${name}, p99`, 'ms', REFERENCE, of('p99'), 'ratio <= 2'),
    );
  }
  return rows;
}
