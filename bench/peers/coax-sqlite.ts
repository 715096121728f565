/**
 * Coax on SQLite as `coax up` runs it: store, channel, worker and catalogue in one process (docs/performance.md).
 * All flows are in the store before the worker starts. Each round is on a new database: the rig has one worker in its life.
 */
import { caughtUp, openRig, PARAMETERS, type Rig, settled, submitMany } from '../rig.ts';
import { now, serve } from './serve.ts';

let rig: Rig | undefined;
let completeBefore = 0;

/** Leaves the database that was worked on, and counts what it holds, for an empty one. */
async function renew(): Promise<Rig> {
  if (rig !== undefined) {
    completeBefore += await countComplete(rig);
    await rig.close();
  }
  return (rig = openRig());
}

async function countComplete({ store }: Rig): Promise<number> {
  const row = await store.reader
    .selectFrom('messages')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('phase', '=', 'done')
    .where('seq', '=', 4)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

await serve(async () => ({
  async submit(flows) {
    const { forward } = await renew();
    await submitMany(rig!, forward, flows);
  },
  async work(flows) {
    const end = settled(rig!.store, flows);
    const began = now();
    rig!.startWorker();
    await end;
    return { began, ended: now() };
  },
  settle: () => caughtUp(rig!.store),
  complete: async () => completeBefore + (await countComplete(rig!)),
  async rest() {},
  async wake() {
    (await renew()).startWorker();
  },
  async one() {
    const { store, forward } = rig!;
    const end = settled(store, 1);
    await store.submit([{ flow: 'create_vm', plan: forward, parameters: PARAMETERS, actor: 'bench' }]);
    await end;
  },
  close: async () => rig?.close(),
}));
