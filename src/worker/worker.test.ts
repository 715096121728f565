import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { z } from 'zod';
import { makeDecisions } from '../channel/make-decisions.ts';
import { StoreChannel } from '../channel/store-channel.ts';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import type { ActionStep, Message } from '../message/message.ts';
import { openCatalogue } from '../step/catalogue.ts';
import type { Action, StepCall } from '../step/contract.ts';
import { defineModule, type ModuleDefinition } from '../step/define-module.ts';
import { Retryable, Terminal } from '../step/step-errors.ts';
import { openSqlite } from '../store/sqlite/open-sqlite.ts';
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { Worker, type WorkerOptions } from './worker.ts';

const NONE = z.object({});
/** Short, so that it is extended while a test waits for that; no pause of a busy machine is as long. */
const LEASE_MS = 3000;
const by = { actor: 'tester', reason: 'a test' };

/** Promises that the test resolves, so that nothing here waits for a time to pass. */
function gate(): { opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { opened, open };
}

let dir: string;
let store: SqliteStore;
let channel: StoreChannel;
let workers: Worker[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'coax-worker-'));
  store = openSqlite({ file: join(dir, 'coax.db') });
  channel = new StoreChannel(store);
  workers = [];
});

afterEach(async () => {
  await Promise.all(workers.map(worker => worker.drain(0)));
  channel.close();
  await store.close();
  rmSync(dir, { recursive: true });
});

type Do = (call: StepCall) => Record<string, unknown> | Promise<Record<string, unknown>>;

/** A module `m` with one action of that behaviour. */
function moduleOf(does: Do, undo: (call: StepCall) => void | Promise<void> = () => {}): ModuleDefinition {
  const output = z.looseObject({});
  return defineModule({
    name: 'm',
    actions: { act: { input: NONE, output, do: (_, call) => does(call), undo: (_, __, call) => undo(call) } },
  });
}

function start(definition: ModuleDefinition, options: Partial<WorkerOptions> = {}): Worker {
  const catalogue = openCatalogue({ builtin: [definition], dirs: [] });
  const worker = new Worker({
    name: `w${workers.length + 1}`,
    channel,
    catalogue,
    addresses: () => ADDRESSES,
    now: () => store.now(),
    ...options,
  });
  workers.push(worker);
  return worker;
}
const ADDRESSES = ['m'];

const step = (more: Partial<ActionStep> = {}): ActionStep => ({
  module: 'm',
  action: 'act',
  timeoutMs: 60_000,
  retry: { ...RETRY_DEFAULT, backoffMs: 1 },
  ...more,
});

async function submit(count = 1, steps: readonly ActionStep[] = [step()]): Promise<number[]> {
  const submission = { flow: 'f', plan: { steps }, parameters: {}, actor: 'tester' };
  const accepted = await store.submit(Array.from({ length: count }, () => submission));
  return accepted.map(({ msgid }) => msgid);
}

/** The message, once it rests. */
function rest(msgid: number): Promise<Message> {
  return new Promise((resolve, reject) => {
    const look = async (): Promise<void> => {
      const message = await store.message(msgid);
      if (message === null || !['done', 'rolled_back', 'parked'].includes(message.phase)) return;
      end();
      resolve(message);
    };
    const end = store.onCommit(() => void look().catch(reject));
    void look().catch(reject);
  });
}

const outcomes = async (msgid: number): Promise<string[]> =>
  (await store.commits(msgid)).map(({ outcome, mode }) => `${mode === 'rollback' ? 'undo ' : ''}${outcome}`);

describe('a worker', () => {
  test('does the steps of a message and keeps it from one to the next', async () => {
    start(moduleOf(call => ({ [`s${call.step}`]: call.key })));
    const [msgid] = (await submit(1, [step(), step(), step()])) as [number];
    const message = await rest(msgid);
    assert.equal(message.phase, 'done');
    assert.deepEqual(
      message.trail,
      [0, 1, 2].map(index => ({ step: index, set: { [`s${index}`]: `${msgid}.${index}` } })),
    );
    assert.equal(message.fence, 1, 'one claim was enough');
  });

  test('never has more steps under way than its concurrency', async () => {
    let now = 0;
    let most = 0;
    const hold = gate();
    const three = gate();
    start(
      moduleOf(async () => {
        most = Math.max(most, ++now);
        if (now === 3) three.open();
        await hold.opened;
        now -= 1;
        return {};
      }),
      { concurrency: 3 },
    );
    const ids = await submit(10);
    await three.opened;
    hold.open();
    for (const msgid of ids) assert.equal((await rest(msgid)).phase, 'done');
    assert.equal(most, 3);
  });

  test('extends the leases of executables that wait for their turn, longer than a lease', async () => {
    const turns = new Set<number>();
    const renewed = gate();
    const extend = store.extend.bind(store);
    let times = 0;
    store.extend = async (claims, leaseMs) => {
      const answers = await extend(claims, leaseMs);
      if (turns.size > 0 && ++times === 4) renewed.open();
      return answers;
    };
    const real = openCatalogue({
      builtin: [
        moduleOf(async call => {
          turns.add(call.msgid);
          await renewed.opened;
          return {};
        }),
      ],
      dirs: [],
    });
    const found = real.find('m', 'act');
    assert.ok(found);
    // What is told apart is the kind: an executable takes a place.
    const action: Action = { ...found, kind: 'executable', undoable: true, run: call => found.run(call) };
    const catalogue = { find: () => action, list: () => [action], modules: () => ADDRESSES };
    const msgids = await submit(3);
    start(
      moduleOf(() => ({})),
      { catalogue, executables: 1, leaseMs: LEASE_MS },
    );
    const messages = await Promise.all(msgids.map(rest));
    assert.deepEqual(
      messages.map(({ phase, fence }) => [phase, fence]),
      msgids.map(() => ['done', 1]),
      'no claim was lost meanwhile',
    );
  });

  test('extends its lease while a step runs longer than that', async () => {
    const renewed = gate();
    const extend = store.extend.bind(store);
    let times = 0;
    store.extend = async (claims, leaseMs) => {
      const answers = await extend(claims, leaseMs);
      if (++times === 4) renewed.open();
      return answers;
    };
    let runs = 0;
    start(
      moduleOf(async () => {
        runs += 1;
        await renewed.opened;
        return {};
      }),
      { leaseMs: LEASE_MS },
    );
    const [msgid] = (await submit()) as [number];
    const message = await rest(msgid);
    assert.deepEqual([message.phase, message.fence, runs], ['done', 1, 1]);
  });

  test('stops a step by itself when it cannot extend the lease, and writes nothing of it', async () => {
    const stopped = gate();
    let finished = 0;
    start(
      moduleOf(async ({ signal }) => {
        await new Promise(resolve => signal.addEventListener('abort', resolve));
        stopped.open();
        return {};
      }),
      {
        leaseMs: 300,
        channel: {
          claim: (wish, signal) => channel.claim({ ...wish, leaseMs: 60_000 }, signal),
          extend: async () => {
            throw new Error('nobody answers');
          },
          release: async () => {},
          reveal: async () => null,
          onAsk: () => () => {},
          finish: async end => {
            finished += 1;
            return channel.finish(end);
          },
        },
      },
    );
    const [msgid] = (await submit()) as [number];
    await stopped.opened;
    await workers[0]?.drain(0);
    assert.equal(finished, 0);
    assert.deepEqual(await outcomes(msgid), ['accepted']);
  });

  test('takes over what another left behind when its lease ends, and the late one cannot write', async () => {
    const stuck = gate();
    const late = gate();
    const finish = channel.finish.bind(channel);
    let answer: string | undefined;
    // The first worker loses its lease: nothing of it reaches the store until the other is done.
    const dead = start(
      moduleOf(async () => {
        await stuck.opened;
        return { by: 'dead' };
      }),
      {
        channel: {
          claim: (wish, signal) => channel.claim({ ...wish, leaseMs: 1 }, signal),
          extend: async claims => claims.map(() => 'held' as const),
          release: async () => {},
          reveal: async () => null,
          onAsk: () => () => {},
          finish: async end => {
            const given = await finish(end);
            answer = given.kind;
            late.open();
            return given;
          },
        },
      },
    );
    const [msgid] = (await submit()) as [number];
    const claimed = gate();
    const end = setInterval(() => dead.inFlight > 0 && claimed.open(), 1);
    await claimed.opened;
    clearInterval(end);
    start(moduleOf(() => ({ by: 'living' })));
    const message = await rest(msgid);
    stuck.open();
    await late.opened;
    assert.equal(answer, 'lost');
    assert.deepEqual((await store.message(msgid))?.trail, [{ step: 0, set: { by: 'living' } }]);
    assert.equal(message.fence > 1, true);
    assert.deepEqual(await outcomes(msgid), ['accepted', 'ok']);
  });

  test('tries again what may be tried again, and gives up when attempts are used up', async () => {
    const attempts: number[] = [];
    start(
      moduleOf(call => {
        if (call.mode === 'normal') attempts.push(call.attempt);
        throw new Retryable('not yet', { code: 'BUSY' });
      }),
    );
    const [msgid] = (await submit()) as [number];
    const message = await rest(msgid);
    assert.deepEqual(attempts, [1, 2, 3]);
    assert.deepEqual(await outcomes(msgid), ['accepted', 'retry', 'retry', 'failed', 'undo ok']);
    assert.equal(message.error?.code, 'BUSY');
  });

  test('does not try again what the step or the policy calls terminal', async () => {
    let runs = 0;
    start(
      moduleOf(call => {
        runs += 1;
        if (call.step === 0) throw new Retryable('never', { code: 'FATAL' });
        return {};
      }),
    );
    const [byPolicy] = (await submit(1, [step({ retry: { ...RETRY_DEFAULT, terminal: ['FATAL'] } })])) as [
      number,
    ];
    await rest(byPolicy);
    assert.equal(runs, 1);
    assert.deepEqual(await outcomes(byPolicy), ['accepted', 'failed', 'undo ok']);
  });

  test('aborts a step at its timeout, which counts as an attempt', async () => {
    const reasons: unknown[] = [];
    start(
      moduleOf(
        call =>
          new Promise((_, reject) => {
            call.signal.addEventListener('abort', () => {
              reasons.push((call.signal.reason as { code: string }).code);
              reject(call.signal.reason);
            });
          }),
      ),
    );
    const [msgid] = (await submit(1, [
      step({ timeoutMs: 30, retry: { ...RETRY_DEFAULT, attempts: 2, backoffMs: 1 } }),
    ])) as [number];
    const message = await rest(msgid);
    assert.deepEqual(reasons, ['COAX_STEP_TIMEOUT', 'COAX_STEP_TIMEOUT']);
    assert.deepEqual(await outcomes(msgid), ['accepted', 'retry', 'failed', 'undo ok']);
    assert.equal(message.error?.code, 'COAX_STEP_TIMEOUT');
  });

  test('stops the step that runs when a person cancels, then undoes it', async () => {
    const running = gate();
    const order: string[] = [];
    start(
      moduleOf(
        call =>
          new Promise((_, reject) => {
            running.open();
            call.signal.addEventListener('abort', () => {
              order.push('aborted');
              reject(call.signal.reason);
            });
          }),
        () => {
          order.push('undone');
        },
      ),
    );
    const [msgid] = (await submit()) as [number];
    await running.opened;
    await makeDecisions(store).cancel(msgid, by);
    const message = await rest(msgid);
    assert.deepEqual(order, ['aborted', 'undone']);
    assert.deepEqual([message.phase, message.cause], ['rolled_back', 'cancelled']);
    assert.deepEqual(await outcomes(msgid), ['accepted', 'cancel', 'undo ok']);
  });

  test('drains: the step under way ends, nothing else begins', async () => {
    const running = gate();
    const hold = gate();
    const worker = start(
      moduleOf(async () => {
        running.open();
        await hold.opened;
        return {};
      }),
      { concurrency: 1 },
    );
    const [first, second] = (await submit(2, [step(), step()])) as [number, number];
    await running.opened;
    const drained = worker.drain(60_000);
    hold.open();
    await drained;
    assert.deepEqual([(await store.message(first))?.cursor, (await store.message(second))?.cursor], [1, 0]);
    assert.equal((await store.message(first))?.leaseUntil, null, 'others may take it');
  });

  test('drains by force: a step that is told to stop is given back, not failed', async () => {
    const running = gate();
    const worker = start(
      moduleOf(
        call =>
          new Promise((_, reject) => {
            running.open();
            call.signal.addEventListener('abort', () => reject(call.signal.reason));
          }),
      ),
    );
    const [msgid] = (await submit()) as [number];
    await running.opened;
    await worker.drain(0);
    assert.deepEqual(await outcomes(msgid), ['accepted']);
    start(moduleOf(() => ({})));
    assert.equal((await rest(msgid)).phase, 'done');
  });

  test('serves a module that is new while it waits for work', async () => {
    let served: readonly string[] = ['other'];
    const asked = gate();
    start(
      moduleOf(() => ({})),
      {
        addresses: () => {
          asked.open();
          return served;
        },
      },
    );
    await asked.opened;
    const [msgid] = (await submit()) as [number];
    served = ['other', 'm'];
    assert.equal((await rest(msgid)).phase, 'done');
  });

  test('keeps the tail of the log and the detail of a step with its commit', async () => {
    start(
      moduleOf(call => {
        for (let line = 0; line < 10_000; line++) call.log(`line ${line}`);
        call.detail({ why: 'because' });
        throw new Terminal('no');
      }),
    );
    const [msgid] = (await submit()) as [number];
    await rest(msgid);
    const [, failed] = await store.commits(msgid);
    assert.deepEqual(failed?.error?.detail, { why: 'because' });
    assert.match(failed?.error?.log ?? '', /line 9999\n$/);
    assert.equal((failed?.error?.log ?? '').length <= 4096, true);
  });

  test('without anybody to ask who else knows an action, turns a message back whose action is gone', async () => {
    start(moduleOf(() => ({})));
    const [msgid] = (await submit(1, [step(), step({ action: 'gone' })])) as [number];
    const message = await rest(msgid);
    assert.equal(message.error?.code, 'COAX_MODULE_UNKNOWN');
    assert.equal(message.phase, 'parked', 'its undo is gone as well: a person decides');
  });
});

describe('a transactional action', () => {
  const noteModule = (does: (call: StepCall) => unknown): ModuleDefinition =>
    defineModule({
      name: 'm',
      actions: {
        act: {
          input: NONE,
          output: NONE,
          transactional: true,
          async do(_, call) {
            await call.tx.db
              .insertInto('allocations')
              .values({ kind: 'note', key: call.key, msgid: call.msgid, detail: '{}', created: call.tx.now })
              .execute();
            await does(call);
            return {};
          },
          async undo(_, __, call) {
            await call.tx.db.deleteFrom('allocations').where('key', '=', call.key).execute();
          },
        },
      },
    });

  test('writes with the cursor, all or nothing', async () => {
    let fail = false;
    start(
      noteModule(() => {
        if (fail) throw new Terminal('after the write');
      }),
    );
    const [good] = (await submit()) as [number];
    await rest(good);
    fail = true;
    const [bad] = (await submit()) as [number];
    await rest(bad);
    assert.deepEqual(
      (await store.allocations()).map(({ msgid }) => msgid),
      [good],
    );
  });

  test('that never ends is given up, and takes its writes with it', async () => {
    start(noteModule(() => new Promise(() => {})));
    const [msgid] = (await submit(1, [step({ timeoutMs: 50 })])) as [number];
    const message = await rest(msgid);
    assert.equal(message.error?.code, 'COAX_STEP_TIMEOUT');
    assert.deepEqual(await store.allocations(), []);
  });
});
