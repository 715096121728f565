import type { Store } from '../../src/store/store.ts';
import { PARAMETERS, type Rig, settled, submitMany } from '../rig.ts';
import { type Adapter, now } from './serve.ts';

/**
 * Coax as `coax up` runs it: store, channel, worker and catalogue in one process (docs/performance.md). All flows are in the
 * store before the worker starts. `open` gives an engine on an empty store: it has one worker in its life.
 */
export function coaxAdapter<Engine extends Store>(
  open: () => Promise<Rig<Engine>>,
  settle: (store: Engine) => Promise<void> = async () => {},
): Adapter {
  let rig: Rig<Engine> | undefined;
  let completeBefore = 0;
  const renew = async (): Promise<Rig<Engine>> => {
    if (rig !== undefined) {
      completeBefore += await countComplete(rig.store);
      await rig.close();
    }
    rig = await open();
    return rig;
  };
  return {
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
    settle: () => settle(rig!.store),
    complete: async () => completeBefore + (await countComplete(rig!.store)),
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
  };
}

/** Messages that are done and have a commit of each step, beside the acceptance's. */
async function countComplete({ reader }: Store): Promise<number> {
  const whole = reader
    .selectFrom('commits')
    .select('msgid')
    .where('seq', '>', 0)
    .groupBy('msgid')
    .having(({ fn }) => fn.countAll(), '=', 4);
  const row = await reader
    .selectFrom('messages')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('phase', '=', 'done')
    .where('seq', '=', 4)
    .where('msgid', 'in', whole)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}
