/** Coax on PostgreSQL: one process, the server as `initdb` sets it up. Tables of a schema of its own for each phase. */
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { rigOn } from '../rig.ts';
import { coaxAdapter } from './coax.ts';
import { serve } from './serve.ts';

let opened = 0;

await serve(async ({ url, dir }) =>
  coaxAdapter(async () => {
    opened += 1;
    return rigOn(await openPostgres({ url, namespace: `phase_${opened}` }), dir, () => {});
  }),
);
