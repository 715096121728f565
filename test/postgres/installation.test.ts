/** Whole servers on one PostgreSQL: workers, groups of branches and people's decisions, while connections break. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decisions } from '../../src/channel/decisions.ts';
import { GroupServer } from '../../src/channel/groups.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { isGroup, type Message } from '../../src/message/message.ts';
import { ok, retryable, type StepOutcome, terminal } from '../../src/message/outcome.ts';
import { isResting } from '../../src/message/status.ts';
import type { Catalogue, StepCall } from '../../src/step/contract.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import type { Store } from '../../src/store/store.ts';
import { Worker } from '../../src/worker/worker.ts';
import { ADDRESSES, scripted } from '../simulation/actions.ts';
import { randomParameters, randomPlan } from '../simulation/plans.ts';
import { Random } from '../simulation/random.ts';
import { postgresTests, until } from './fixture.ts';

const BY = { actor: 'ann', reason: 'she thought so' };
const MESSAGES = 120;

/** What steps did outside the store. */
class Outside {
  readonly effects = new Set<string>();
  readonly #random: Random;
  calm = false;

  constructor(random: Random) {
    this.#random = random;
  }

  readonly catalogue = (): Catalogue =>
    scripted(
      call => this.#make(call),
      call => this.#book(call),
    );

  async #make(call: StepCall): Promise<StepOutcome> {
    if (this.#random.chance(0.3)) await new Promise(resolve => setTimeout(resolve, this.#random.int(0, 20)));
    const trouble = this.#trouble(call);
    if (trouble !== null && this.#random.chance(0.5)) return trouble;
    if (call.mode === 'rollback') this.effects.delete(call.key);
    else this.effects.add(call.key);
    return trouble ?? ok(call.mode === 'rollback' ? {} : { [`s${call.step}`]: call.key });
  }

  async #book(call: StepCall): Promise<StepOutcome> {
    const { db, now } = call.tx!;
    if (call.mode === 'rollback')
      await db.deleteFrom('allocations').where('kind', '=', 'sim').where('key', '=', call.key).execute();
    else
      await db
        .insertInto('allocations')
        .values({ kind: 'sim', key: call.key, msgid: call.msgid, detail: '{}', created: now })
        .execute();
    return this.#trouble(call) ?? ok(call.mode === 'rollback' ? {} : { [`s${call.step}`]: 'booked' });
  }

  #trouble(call: StepCall): StepOutcome | null {
    if (this.calm) return null;
    if (this.#random.chance(0.15)) return retryable('SIM', 'not now');
    const fatal = call.mode === 'rollback' ? 0.03 : 0.06;
    return this.#random.chance(fatal) ? terminal('SIM', 'no, for good') : null;
  }
}

interface Server {
  readonly store: Store;
  readonly decisions: Decisions;
  close(): Promise<void>;
}

function startServer(store: Store, name: string, outside: Outside, faults: unknown[]): Server {
  const channel = new StoreChannel(store, () => 0);
  const onFault = (error: unknown): void => {
    if (!isCoaxError(error, 'COAX_STORE_UNAVAILABLE')) faults.push(error);
  };
  const groups = new GroupServer(channel, `${name}-groups`, () => 0, onFault);
  const worker = new Worker({
    name,
    channel,
    catalogue: outside.catalogue(),
    addresses: () => ADDRESSES,
    now: () => store.now(),
    concurrency: 16,
    onFault,
  });
  return {
    store,
    decisions: makeDecisions(store, () => 0),
    async close() {
      await worker.drain(1000);
      await groups.close();
      channel.close();
    },
  };
}

/** Somebody decides something; not allowed, or not reachable now, is an answer too. */
async function decide(random: Random, { decisions, store }: Server): Promise<void> {
  try {
    const messages = await store.messages({ withChildren: random.chance(0.2), limit: 60 });
    if (messages.length === 0) return;
    const message = random.pick(messages);
    if (message.phase === 'parked')
      await resolve(decisions, message, random.pick(['retry', 'edit'] as const));
    else if (random.chance(0.4)) await decisions.cancel(message.msgid, BY);
    else if (random.chance(0.5)) await decisions.revert(message.msgid, BY);
    else await decisions.rewind(message.msgid, Math.max(message.floor, message.cursor - 1), { cpu: 9 }, BY);
  } catch (error) {
    if (!isCoaxError(error) || !['conflict', 'input', 'not_found', 'unavailable'].includes(error.kind))
      throw error;
  }
}

function resolve(decisions: Decisions, message: Message, how: 'retry' | 'edit' | 'undone'): Promise<Message> {
  return decisions.resolve(message.msgid, how, how === 'edit' ? { cpu: 44 } : {}, BY);
}

/** Every parked message is tried again; what cannot be undone was undone by hand. */
async function unpark({ decisions, store }: Server): Promise<void> {
  for (const message of await store.messages({ status: 'parked', withChildren: true, limit: 1000 })) {
    const step = message.plan.steps[message.cursor];
    const final = step !== undefined && !isGroup(step) && step.action === 'final';
    await resolve(decisions, message, final ? 'undone' : 'retry').catch(error => {
      if (!isCoaxError(error)) throw error;
    });
  }
}

async function checkEffects(store: Store, outside: Outside): Promise<void> {
  const booked = new Set((await store.allocations({ kind: 'sim' })).map(({ key }) => key));
  for (const message of await store.messages({ withChildren: true, limit: 100_000 })) {
    for (const [index, step] of message.plan.steps.entries()) {
      if (isGroup(step) || step.action === 'final') continue;
      const key = `${message.msgid}.${index}`;
      const there = step.action === 'book' ? booked.has(key) : outside.effects.has(key);
      assert.equal(there, message.phase === 'done', `${key} of a message that is ${message.phase}`);
    }
  }
}

describe('servers with workers on one PostgreSQL', () => {
  const { withDatabase } = postgresTests();
  const seed = Number(process.env.SEED ?? 7);

  it(`bring every message to rest as promised (SEED=${seed})`, () =>
    withDatabase(async ({ open, killConnections }) => {
      const random = new Random(seed);
      const outside = new Outside(random);
      const faults: unknown[] = [];
      const servers = [
        startServer(await open(), 'a', outside, faults),
        startServer(await open(), 'b', outside, faults),
      ];
      try {
        const { store } = servers[0]!;
        for (let sent = 0; sent < MESSAGES; sent += 6) {
          const batch = Array.from({ length: 6 }, () => ({
            flow: 'sim',
            plan: randomPlan(random),
            parameters: randomParameters(random),
            actor: 'ann',
          }));
          await random.pick(servers).store.submit(batch);
          await Promise.all([1, 2, 3].map(() => decide(random, random.pick(servers))));
          if (random.chance(0.3)) await killConnections();
        }
        outside.calm = true;
        await until('everything rests', async () => {
          await unpark(servers[1]!);
          const messages = await store.messages({ withChildren: true, limit: 100_000 });
          return messages.every(({ phase }) => isResting(phase) && phase !== 'parked');
        });
        assert.deepEqual(faults, []);
        const report = await fsckStore(store.scan(), { gapsPossible: true });
        assert.deepEqual(report.faults, []);
        assert.ok(report.messages > MESSAGES, 'there were groups');
        const { done, rolled_back } = await store.counts();
        assert.ok(done > 10 && rolled_back > 10);
        await checkEffects(store, outside);
      } finally {
        for (const server of servers) await server.close();
      }
    }));
});
