import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Channel, Claim, Finish, FinishAnswer } from '../channel/channel.ts';
import { makeDecisions } from '../channel/make-decisions.ts';
import { StoreChannel } from '../channel/store-channel.ts';
import type { StepError } from '../message/message.ts';
import { ok, type StepOutcome, terminal } from '../message/outcome.ts';
import { parametersOf } from '../message/parameters.ts';
import { fsckStore } from '../store/fsck.ts';
import type { Store } from '../store/store.ts';
import { planOfSteps, submitOne } from './store-conformance/fixture.ts';

/** A channel with the store that stands behind it, to send messages and to look. */
export interface OpenChannel {
  readonly store: Store;
  readonly channel: Channel;
  close(): Promise<void>;
}

export interface ChannelFactory {
  /** Can it run a step inside the store's transaction? A channel over a network cannot. */
  readonly transactional: boolean;
  /** Opens a channel over a fresh store in that folder. */
  open(dir: string): Promise<OpenChannel>;
}

/** The channel over a store that was opened for it. No random part in backoffs: a retry comes exactly when its step asked for it. */
export function channelOver(store: Store): OpenChannel {
  const channel = new StoreChannel(store, () => 0);
  return {
    store,
    channel,
    async close() {
      channel.close();
      await store.close();
    },
  };
}

const BY = { actor: 'ann', reason: 'enough' };
const WAIT_MS = 60_000;

/** Declares the tests that every way from a worker to the store must pass. */
export function channelConformance(name: string, factory: ChannelFactory): void {
  describe(`channel: ${name}`, () => {
    claiming(factory);
    finishing(factory);
    unbegun(factory);
    asking(factory);
  });
}

async function withChannel(
  factory: ChannelFactory,
  test: (open: OpenChannel) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-channel-'));
  const open = await factory.open(dir);
  try {
    await test(open);
  } finally {
    await open.close();
    rmSync(dir, { recursive: true });
  }
}

function claimAt(
  channel: Channel,
  addresses: readonly string[],
  more: object = {},
  signal?: AbortSignal,
): Promise<readonly Claim[]> {
  return channel.claim(
    { worker: 'w1', addresses, limit: 1, leaseMs: 60_000, waitMs: WAIT_MS, ...more },
    signal,
  );
}

async function claimOne(channel: Channel, address: string, more: object = {}): Promise<Claim> {
  const [claim] = await claimAt(channel, [address], more);
  assert.ok(claim, `work at ${address}`);
  return claim;
}

function finish(
  channel: Channel,
  claim: Claim,
  outcome: Finish['outcome'],
  more: Partial<Finish> = {},
): Promise<FinishAnswer> {
  const now = claim.message.updated;
  return channel.finish({ claim, outcome, code: null, started: now, finished: now, ...more });
}

function claiming(factory: ChannelFactory): void {
  describe('claim', () => {
    it('gives what is there at once, and each message to one worker', () =>
      withChannel(factory, async ({ store, channel }) => {
        for (let i = 0; i < 6; i++) await submitOne(store, { i });
        const [a, b] = await Promise.all([
          claimAt(channel, ['net'], { worker: 'a', limit: 3 }),
          claimAt(channel, ['net'], { worker: 'b', limit: 3 }),
        ]);
        assert.equal(new Set([...a, ...b].map(({ msgid }) => msgid)).size, 6);
        assert.ok(a.every(({ message }) => message.worker === 'a'));
        assert.deepEqual(a[0]?.message.plan, (await store.message(a[0]!.msgid))?.plan);
      }));

    it('waits for work that comes later', () =>
      withChannel(factory, async ({ store, channel }) => {
        const waiting = claimAt(channel, ['net', 'disk'], { limit: 9 });
        const msgid = await submitOne(store);
        assert.deepEqual(
          (await waiting).map(claim => claim.msgid),
          [msgid],
        );
      }));

    it('gives up when the wait is over, and when it is told to', () =>
      withChannel(factory, async ({ store, channel }) => {
        await submitOne(store);
        assert.deepEqual(await claimAt(channel, ['nobody'], { waitMs: 20 }), []);
        const abort = new AbortController();
        const waiting = claimAt(channel, ['nobody'], {}, abort.signal).catch(() => []);
        abort.abort();
        assert.deepEqual(await waiting, []);
      }));

    it('takes over what a worker held for too long', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        const lost = await claimOne(channel, 'net', { leaseMs: 1000 });
        const next = await claimOne(channel, 'net', { worker: 'w2' });
        assert.equal(next.msgid, msgid);
        assert.equal((await finish(channel, lost, ok())).kind, 'lost');
        assert.deepEqual(await channel.extend([lost, next], 60_000), ['lost', 'held']);
      }));

    it('offers again what was released', () =>
      withChannel(factory, async ({ store, channel }) => {
        await submitOne(store);
        const claim = await claimOne(channel, 'net');
        const waiting = claimOne(channel, 'net', { worker: 'w2' });
        await channel.release([claim], false);
        assert.equal((await waiting).msgid, claim.msgid);
      }));
  });
}

function finishing(factory: ChannelFactory): void {
  describe('finish', () => {
    it('moves the message on, and back when it fails', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store, { cpu: 1 });
        const first = await finish(channel, await claimOne(channel, 'net'), ok({ ip: 'x' }));
        assert.ok(first.kind === 'written');
        assert.equal(first.message.cursor, 1);
        assert.equal(first.claim, null);
        const no: StepOutcome = { kind: 'terminal', error: { code: 'E_NO', reason: 'no' } };
        await finish(channel, await claimOne(channel, 'disk'), no);
        await finish(channel, await claimOne(channel, 'disk'), ok());
        const back = await claimOne(channel, 'net');
        assert.equal(back.message.mode, 'rollback');
        const end = await finish(channel, back, ok());
        assert.ok(end.kind === 'written' && end.message.phase === 'rolled_back');
        assert.deepEqual(parametersOf(end.message), { cpu: 1 });
        assert.deepEqual(
          (await store.commits(msgid)).map(({ outcome }) => outcome),
          ['accepted', 'ok', 'failed', 'ok', 'ok'],
        );
      }));

    it('keeps the message for its next step where the worker serves it', () =>
      withChannel(factory, async ({ store, channel }) => {
        await submitOne(store, {}, { plan: planOfSteps('net a', 'net b', 'disk c') });
        const keepAt = new Set(['net']);
        const first = await finish(channel, await claimOne(channel, 'net'), ok(), { keepAt });
        assert.ok(first.kind === 'written' && first.claim !== null);
        assert.equal(first.claim.message.cursor, 1);
        const second = await finish(channel, first.claim, ok(), { keepAt });
        assert.ok(second.kind === 'written');
        assert.equal(second.claim, null);
        assert.equal((await claimOne(channel, 'disk')).message.cursor, 2);
      }));

    it('writes an outcome once, however often it is told', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        const claim = await claimOne(channel, 'net');
        const answers = await Promise.all([1, 2, 3].map(n => finish(channel, claim, ok({ n }))));
        assert.deepEqual(answers.map(({ kind }) => kind).sort(), ['lost', 'lost', 'written']);
        assert.equal((await store.message(msgid))?.seq, 1);
      }));

    it('tries again after the time that the step asked for', () =>
      withChannel(factory, async ({ store, channel }) => {
        await submitOne(store);
        const later: StepOutcome = {
          kind: 'retryable',
          error: { code: 'E', reason: 'later' },
          retryAfterMs: 60,
        };
        const answer = await finish(channel, await claimOne(channel, 'net'), later, {
          finished: store.now(),
        });
        assert.ok(answer.kind === 'written');
        const again = await claimOne(channel, 'net');
        assert.equal(again.message.attempt, 1);
        assert.ok(store.now() >= answer.message.readyAt);
      }));

    if (!factory.transactional) return;
    it('runs a transactional step with the move, and takes back what it wrote when it fails', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        const take =
          (outcome: StepOutcome): Finish['outcome'] =>
          async tx => {
            await tx.db
              .insertInto('allocations')
              .values({ kind: 'ip', key: 'x', msgid, detail: '{}', created: tx.now })
              .execute();
            return outcome;
          };
        const claim = await claimOne(channel, 'net');
        const failed = await finish(
          channel,
          claim,
          take({ kind: 'retryable', error: { code: 'E', reason: 'no' } }),
        );
        assert.equal(failed.kind, 'written');
        assert.deepEqual(await store.allocations(), []);
        assert.equal((await finish(channel, await claimOne(channel, 'net'), take(ok()))).kind, 'written');
        assert.equal((await store.allocations()).length, 1);
      }));
  });
}

function unbegun(factory: ChannelFactory): void {
  const error: StepError = { code: 'COAX_STEP_START', reason: 'no such file' };
  const outcome: StepOutcome = { kind: 'terminal', error: { ...error, begun: false } };
  describe('a step that its worker could not begin', () => {
    it('is not undone', () =>
      withChannel(factory, async ({ store, channel }) => {
        await submitOne(store);
        const first = await finish(channel, await claimOne(channel, 'net'), ok({ ip: 'x' }));
        assert.ok(first.kind === 'written' && first.message.cursor === 1);
        const end = await finish(channel, await claimOne(channel, 'disk'), outcome);
        assert.ok(end.kind === 'written');
        assert.deepEqual([end.message.mode, end.message.cursor], ['rollback', 0]);
        assert.deepEqual(end.message.error, outcome.error);
      }));

    it('is undone when a worker before may have begun it', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        await claimOne(channel, 'net', { worker: 'dead' });
        await store.releaseWorker('dead');
        const end = await finish(channel, await claimOne(channel, 'net'), outcome);
        assert.ok(end.kind === 'written');
        assert.deepEqual([end.message.mode, end.message.cursor], ['rollback', 0]);
        assert.deepEqual(end.message.error, error, 'the commit does not say what nobody knows');
        await finish(channel, await claimOne(channel, 'net'), ok());
        assert.equal((await store.message(msgid))?.phase, 'rolled_back');
      }));

    it('is not undone for a cancel either', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        const claim = await claimOne(channel, 'net');
        await makeDecisions(store).cancel(msgid, BY);
        const end = await finish(channel, claim, outcome);
        assert.ok(end.kind === 'written');
        assert.deepEqual([end.message.phase, end.message.cause], ['rolled_back', 'cancelled']);
      }));
  });
}

function asking(factory: ChannelFactory): void {
  describe('a cancel while an undo runs that then fails for good', () => {
    it('is on record, and obeyed once a person has decided about the undo', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        await finish(channel, await claimOne(channel, 'net'), ok({ ip: 'x' }));
        const decisions = makeDecisions(store);
        await decisions.rewind(msgid, 0, {}, BY);
        const undo = await claimOne(channel, 'net');
        assert.equal(undo.message.rewindTo, 0);
        await decisions.cancel(msgid, BY);
        const end = await finish(channel, undo, terminal('E', 'no'));
        assert.ok(end.kind === 'written');
        const { phase, cause, rewindTo } = end.message;
        assert.deepEqual({ phase, cause, rewindTo }, { phase: 'parked', cause: 'cancelled', rewindTo: null });
        const outcomes = (await store.commits(msgid)).map(commit => commit.outcome);
        assert.deepEqual(outcomes, ['accepted', 'ok', 'rewind', 'cancel', 'parked']);
        await decisions.resolve(msgid, 'undone', {}, BY);
        assert.equal((await store.message(msgid))?.phase, 'rolled_back');
        assert.deepEqual((await fsckStore(store.scan())).faults, []);
      }));
  });

  describe('a cancel while the step runs', () => {
    it('is told to the worker, and obeyed when the step has ended', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        const claim = await claimOne(channel, 'net');
        const told = new Promise<number>(resolve => channel.onAsk('w1', resolve));
        await makeDecisions(store).cancel(msgid, BY);
        assert.equal(await told, msgid);
        const [answer] = await channel.extend([claim], 60_000);
        assert.ok(typeof answer === 'object' && answer.ask.kind === 'cancel');
        const end = await finish(channel, claim, ok({ ip: 'x' }));
        assert.ok(end.kind === 'written');
        assert.deepEqual(
          [end.message.mode, end.message.cause, end.message.cursor],
          ['rollback', 'cancelled', 0],
        );
        const outcomes = (await store.commits(msgid)).map(({ outcome }) => outcome);
        assert.deepEqual(
          outcomes,
          ['accepted', 'ok', 'cancel'],
          'what the step did is on record before it is undone',
        );
      }));

    it('is obeyed without its worker when that one is gone', () =>
      withChannel(factory, async ({ store, channel }) => {
        const msgid = await submitOne(store);
        await claimOne(channel, 'net', { worker: 'dead' });
        await makeDecisions(store).cancel(msgid, BY);
        await store.releaseWorker('dead');
        const undo = await claimOne(channel, 'net');
        assert.equal(undo.message.mode, 'rollback', 'the step may have begun, so it is undone');
        await finish(channel, undo, ok());
        assert.equal((await store.message(msgid))?.phase, 'rolled_back');
      }));
  });
}
