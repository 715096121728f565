import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Commit } from '../ledger/commit.ts';
import type { Json, Message } from '../message/message.ts';
import { startState } from '../message/start-state.ts';
import { stepState } from './message-view.ts';
import { why } from './why.ts';

const retry = { attempts: 3, backoffMs: 1, factor: 2, backoffMaxMs: 9, terminal: [] };
const step = (module: string, action: string) => ({ module, action, timeoutMs: 1000, retry });
const PLAN = { steps: [step('resource', 'select_host'), step('compute', 'create_vm')] };

function messageOf(more: Partial<Message> = {}): Message {
  return {
    ...startState(PLAN, {}),
    msgid: 7,
    flow: 'create_vm',
    plan: PLAN,
    planHash: '',
    seq: 0,
    head: '',
    readyAt: 0,
    worker: null,
    leaseUntil: null,
    fence: 0,
    begun: 0,
    ask: null,
    parent: null,
    project: 'default',
    labels: {},
    trace: null,
    actor: 'ann',
    created: 0,
    updated: 0,
    ...more,
  };
}

const KNOWN = new Set(['resource select_host', 'compute create_vm']);
const explain = (message: Message, commits: Partial<Commit>[] = [], served: string[] = ['resource']) =>
  why({
    message,
    newestFirst: commits as Commit[],
    children: [],
    served: new Set(served),
    known: KNOWN,
    last: null,
    now: 1000,
  });

test('why a message waits is told: nobody serves it, nobody is free, backoff, a worker at it', () => {
  assert.match(
    explain(messageOf(), [], []).reason,
    /Nobody can take resource select_host: module resource is served by no worker; never seen; it waits since 1970/,
  );
  assert.equal(explain(messageOf(), [], []).waiting?.served, false);
  assert.match(explain(messageOf()).reason, /free worker at resource/);
  const last = { outcome: 'retry', error: { code: 'X', reason: 'busy' } } as Partial<Commit>;
  const backoff = explain(messageOf({ readyAt: 61_000, attempt: 1 }), [last]);
  assert.match(backoff.reason, /1970-01-01T00:01:01\.000Z: the last attempt failed, busy/);
  const running = explain(messageOf({ worker: 'w9', leaseUntil: 5000 }));
  assert.match(running.reason, /w9 is doing resource select_host/);
  assert.equal(running.waiting?.worker, 'w9');
});

test('why a host won, or none did, is read from the newest commit that tells it', () => {
  const placement = (host: string | undefined): Json => ({
    filters: [{ name: 'capacity', before: 4, removed: 3, after: 1, examples: [] }],
    weighers: [],
    candidates: [],
    reason: host === undefined ? 'no host fits' : `${host} fits best`,
    ...(host !== undefined && { host }),
  });
  const won = explain(messageOf({ phase: 'done', cursor: 2 }), [
    {},
    { detail: placement('h2') },
    { detail: placement('h1') },
  ]);
  assert.equal(won.host, 'h2');
  assert.match(won.reason, /h2 fits best/);
  assert.equal(won.waiting, null);
  const error = { code: 'COAX_NO_VALID_HOST', reason: 'no host fits', detail: placement(undefined) };
  const lost = explain(
    messageOf({ phase: 'rolled_back', mode: 'rollback', cursor: -1, cause: 'failed', error }),
    [{ error }],
  );
  assert.equal(lost.host, null);
  assert.equal(lost.filters[0]?.removed, 3);
  assert.match(lost.reason, /Rolled back \(failed\): no host fits/);
});

test('each step has the state that cursor and mode give it', () => {
  const states = (more: Partial<Message>, reached: number) =>
    [0, 1, 2, 3].map(index => stepState(messageOf(more), index, reached));
  assert.deepEqual(states({ cursor: 1 }, 1), ['done', 'current', 'pending', 'pending']);
  assert.deepEqual(states({ cursor: 4 }, 4), ['done', 'done', 'done', 'done']);
  assert.deepEqual(states({ mode: 'rollback', cursor: 1 }, 2), ['done', 'undoing', 'undone', 'pending']);
  assert.deepEqual(states({ mode: 'rollback', cursor: -1 }, 2), ['undone', 'undone', 'undone', 'pending']);
  assert.deepEqual(states({ mode: 'rollback', cursor: -1, floor: 1 }, 2), [
    'done',
    'undone',
    'undone',
    'pending',
  ]);
});

test('why a message waits for a host that is down names the host, since when, and what would end the wait', () => {
  const plan = { steps: [{ ...step('compute', 'create_vm'), at: 'host' }] };
  const state = { ...startState(plan, { host: 'h1' }), plan };
  const since = '2026-11-27T10:00:00.000Z';
  const host = { name: 'h1', state: 'down', reason: 'not heard of', since };
  const facts = {
    newestFirst: [],
    children: [],
    served: new Set<string>(),
    known: KNOWN,
    last: null,
    now: 1000,
  };
  const { reason } = why({ ...facts, message: messageOf(state), host });
  assert.match(
    reason,
    /^compute create_vm waits for host h1, which is down since 2026-11-27T10:00:00.000Z \(not heard of\)/,
  );
  assert.match(reason, /coax host lost h1/);
});

test('what found no host says so once', () => {
  const reason = 'no host fits cpu=1: 4 hosts, memory removed 4';
  const detail = { reason, host: null, filters: [], weighers: [], candidates: [] } as unknown as Json;
  const failed = {
    outcome: 'failed',
    error: { code: 'COAX_NO_VALID_HOST', reason, detail },
  } as unknown as Partial<Commit>;
  const message = messageOf({
    phase: 'rolled_back',
    mode: 'rollback',
    cursor: -1,
    cause: 'failed',
    error: { code: 'X', reason } as never,
  });
  assert.equal(explain(message, [failed]).reason, `Rolled back (failed): ${reason}`);
});
