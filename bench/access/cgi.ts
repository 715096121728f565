import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Apache } from '../../test/cgi/apache.ts';
import { comparedRow, inTurns, type Pair, type Row } from '../row.ts';
import { Child } from './child.ts';
import type { Load, LoadResult } from './load.ts';

const FULL = { ms: 3000, warmUpMs: 1000, rounds: 3, clients: [1, 8] };
const QUICK = { ms: 300, warmUpMs: 100, rounds: 1, clients: [4] };
/** Says how long it is, so that both servers answer with a length and keep the connection. */
const SCRIPT = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\nContent-Length: 6\\r\\n\\r\\nhello\\n'
`;
const REFERENCE = "Debian's Apache, mod_cgi";

/** The same shell script, served by Coax and by Debian's Apache with mod_cgi, each with the same clients. */
export async function measureCgi(quick: boolean): Promise<Row[]> {
  const { ms, warmUpMs, rounds, clients } = quick ? QUICK : FULL;
  await using opened = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-cgi-'));
  opened.defer(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'hello'), SCRIPT);
  chmodSync(join(dir, 'hello'), 0o755);
  const apache = new Apache(dir);
  opened.defer(() => apache.close());
  await apache.start();
  const coax = new Child(join(import.meta.dirname, 'coax-server.ts'), ['server', dir]);
  opened.defer(() => coax.end());
  const clientsOf = new Child(join(import.meta.dirname, 'load.ts'));
  opened.defer(() => clientsOf.end());
  const where = await coax.ask<{ url: string; token: string }>('where');
  const load = async (
    to: { url: string; token: string },
    many: number,
    time: number,
  ): Promise<LoadResult> => {
    const one = {
      kind: 'load',
      method: 'GET',
      path: '/cgi-bin/hello',
      body: '',
      clients: many,
      ms: time,
    } as const;
    const result = await clientsOf.ask<LoadResult>({ ...one, ...to } satisfies Load);
    if (result.refused > 0) throw new Error(`${result.refused} requests were refused`);
    return result;
  };
  const beside = { url: apache.url, token: 'none' };
  for (const server of [where, beside]) await load(server, 4, warmUpMs);
  const rows: Row[] = [];
  for (const many of clients) {
    const pairs = await inTurns(
      rounds,
      () => load(where, many, ms),
      () => load(beside, many, ms),
    );
    const of = (figure: 'perSecond' | 'p99'): Pair[] =>
      pairs.map(({ value, reference }) => ({ value: value[figure], reference: reference[figure] }));
    const name = `cgi: ${many} ${many === 1 ? 'client' : 'clients'}`;
    rows.push(
      comparedRow(`${name}, scripts run`, 'requests/s', REFERENCE, of('perSecond'), 'ratio >= 1'),
      comparedRow(`${name}, a script's p99`, 'ms', REFERENCE, of('p99')),
    );
  }
  return rows;
}
