import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AgentReport, ReportAnswer } from '../api/agent.ts';
import type { Timers } from '../store/timers.ts';
import { HostChannel } from './host-channel.ts';
import { Reporter } from './reporter.ts';
import { ServerClock } from './server-clock.ts';

const ANSWER: ReportAnswer = { state: 'up', reason: '', leaseMs: 20_000, network: null };

/** Writes down each wait that is asked for; the test says when it is over. */
class Waits implements Timers {
  readonly asked: number[] = [];
  #call: () => void = () => {};

  monotonic(): number {
    return 0;
  }

  after(ms: number, call: () => void): () => void {
    this.asked.push(ms);
    this.#call = call;
    return () => {
      this.#call = () => {};
    };
  }

  soon(call: () => void): void {
    call();
  }

  async over(): Promise<void> {
    this.#call();
    for (let i = 0; i < 5; i++) await turn();
  }
}

interface Tried {
  readonly waits: Waits;
  readonly reporter: Reporter;
  readonly heard: string[];
  away: boolean;
}

async function tryReporter(random: number): Promise<Tried> {
  const waits = new Waits();
  const heard: string[] = [];
  const tried = { waits, heard, away: false } as Tried & { reporter: Reporter };
  tried.reporter = new Reporter({
    everyMs: 5000,
    random: () => random,
    timers: waits,
    report: async () => ({}) as AgentReport,
    send: async () => {
      if (tried.away) throw new Error('away');
      return ANSWER;
    },
    onAnswer: () => heard.push('answer'),
    onFault: () => heard.push('fault'),
  });
  for (let i = 0; i < 5; i++) await turn();
  return tried;
}

test('reports come every five seconds, a fifth more or less', async () => {
  for (const [random, ms] of [
    [0, 4000],
    [0.5, 5000],
    [1, 6000],
  ] as const) {
    const { waits, reporter } = await tryReporter(random);
    await waits.over();
    assert.deepEqual(waits.asked, [ms, ms]);
    await reporter.close();
  }
});

test('a server that is away is tried again after waits that double, up to fifteen seconds, and by chance less', async () => {
  const tried = await tryReporter(0.999_999);
  tried.away = true;
  for (let i = 0; i < 8; i++) await tried.waits.over();
  assert.deepEqual(tried.waits.asked.slice(1), [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  tried.away = false;
  await tried.waits.over();
  assert.ok(tried.waits.asked.at(-1)! > 5000, 'the usual pace again');
  assert.deepEqual(tried.heard.slice(-2), ['fault', 'answer']);

  const early = await tryReporter(0);
  early.away = true;
  for (let i = 0; i < 8; i++) await early.waits.over();
  assert.deepEqual(early.waits.asked.slice(1), [0, 0, 0, 0, 0, 0, 0, 0], 'full jitter');
});

test('after its end nothing is sent and nothing is heard', async () => {
  const { waits, reporter, heard } = await tryReporter(0.5);
  await reporter.close();
  await waits.over();
  assert.deepEqual(heard, ['answer']);
});

test('a host whose reports do not get through asks for no work; an end of the wait is heard', async () => {
  let asked = 0;
  const inner = {
    claim: async () => {
      asked += 1;
      return [{ msgid: 1, fence: 1, leaseUntil: 1_000_030_000 }] as never;
    },
  };
  const clock = new ServerClock(500_000, () => 7);
  const channel = new HostChannel(inner as never, clock);
  const wish = { worker: 'agent/a', addresses: [], limit: 1, leaseMs: 30_000, waitMs: 1 };
  const stop = new AbortController();
  const stopped = channel.claim(wish, stop.signal);
  const waiting = channel.claim(wish);
  await turn();
  assert.equal(asked, 0);
  stop.abort();
  assert.deepEqual(await stopped, []);
  channel.open = true;
  assert.equal((await waiting).length, 1);
  assert.equal(asked, 1);
  // The claim told the time of the server: 30 s before the lease's end.
  assert.equal(clock.now(), 1_000_000_000);
});
