/** Who followed events at a server that dies goes on at another with the last id that it heard, and misses nothing. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { CommitEventView } from '../../src/api/event.ts';
import type { Client } from '../../src/client/client.ts';
import { connectEvents } from '../../src/client/event-stream.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { Processes } from '../system/process-fixture.ts';
import { postgresTests, type TestDatabase } from './fixture.ts';

const tests = postgresTests();

const FLOW = `
name: place
parameters: { cpu: { type: number }, mem: { type: integer } }
steps: [resource select_host, network alloc_ip]
`;
const ONE = { flow: 'place', parameters: { cpu: 0.01, mem: 1 } };
/** So much is heard at the first server before it dies, and so many messages come after that. */
const HEARD = 25;
const AFTER = 5;

interface Two {
  readonly a: Awaited<ReturnType<Processes['server']>>;
  readonly b: Awaited<ReturnType<Processes['server']>>;
}

/** Two servers on the database; both accept messages and do steps. */
const withTwo = (test: (servers: Two, database: TestDatabase) => Promise<void>) =>
  tests.withDatabase(async database => {
    await using processes = new Processes();
    mkdirSync(processes.path('flows'));
    writeFileSync(join(processes.path('flows'), 'place.yaml'), FLOW);
    const more = [['--flows', processes.path('flows')], { COAX_STORE: database.url }] as const;
    const a = await processes.server('a', ...more);
    await test({ a, b: await processes.server('b', ...more) }, database);
  });

/** Submits one after the other until the server is gone or `stop` aborts. */
async function submitUntil(client: Client, stop: AbortSignal): Promise<void> {
  try {
    while (!stop.aborted) await client.submit(ONE);
  } catch (error) {
    // Somebody else may have got its answer: what the store has is what counts.
    if (!isCoaxError(error, 'COAX_SERVER_UNREACHABLE')) throw error;
  }
}

/** Commits that were heard, and the last id that came. */
class Heard {
  readonly keys = new Set<string>();
  last = '';

  note(id: string, { message, commits }: CommitEventView): void {
    for (const { seq } of commits) this.keys.add(`${message.msgid}.${seq}`);
    this.last = id;
  }
}

const underWay = async ({ sql }: TestDatabase): Promise<number> => {
  const [row] = await sql(`SELECT count(*) AS n FROM messages WHERE phase IN ('open', 'waiting')`);
  return Number(row?.n);
};
const commitsIn = async ({ sql }: TestDatabase): Promise<Set<string>> => {
  const rows = await sql('SELECT msgid, seq FROM commits');
  return new Set(rows.map(({ msgid, seq }) => `${msgid}.${seq}`));
};

/** Lets both servers work, ends the first while it is under load, and lets the other do more. */
async function killUnderLoad({ a, b }: Two, heard: Heard, hearAtA: (stop: AbortSignal) => Promise<void>) {
  const stop = new AbortController();
  const load = [submitUntil(a.client, stop.signal), submitUntil(b.client, stop.signal)];
  await hearAtA(stop.signal);
  assert.ok(heard.keys.size >= HEARD);
  a.program.signal('SIGKILL');
  await a.program.ended;
  stop.abort();
  await Promise.all(load);
  for (let n = 0; n < AFTER; n++) await b.client.submit(ONE);
}

/** Until nothing is under way and all there is was heard. */
async function isAllHeard(database: TestDatabase, heard: Heard): Promise<boolean> {
  return (await underWay(database)) === 0 && (await commitsIn(database)).isSubsetOf(heard.keys);
}

it('by the stream: Last-Event-ID of the one that died, at the one that lives', { timeout: 300_000 }, () =>
  withTwo(async (servers, database) => {
    const heard = new Heard();
    heard.last = (await servers.a.client.pollEvents()).last;
    await killUnderLoad(servers, heard, async () => {
      for await (const event of connectEvents(servers.a.client.transport, { lastEventId: heard.last })) {
        assert.equal(event.type, 'commit');
        if (event.type === 'commit') heard.note(event.id, event);
        if (heard.keys.size >= HEARD) break;
      }
    });
    const before = new Set(heard.keys);
    for await (const event of connectEvents(servers.b.client.transport, { lastEventId: heard.last })) {
      assert.equal(event.type, 'commit', 'nothing is too old to be told');
      if (event.type === 'commit') heard.note(event.id, event);
      if (await isAllHeard(database, heard)) break;
    }
    assert.deepEqual(heard.keys, await commitsIn(database));
    assert.ok(before.isSubsetOf(heard.keys) && before.size < heard.keys.size);
    // Of one message the ids are those of its commits, whichever server is asked.
    const [msgid] = [...before].map(key => Number(key.split('.')[0]));
    const seqs: number[] = [];
    for await (const event of connectEvents(servers.b.client.transport, {
      msgid: msgid!,
      lastEventId: '0',
    })) {
      if (event.type === 'commit') seqs.push(...event.commits.map(({ seq }) => seq));
      if (seqs.at(-1) === 2) break;
    }
    assert.deepEqual(seqs, [1, 2]);
  }),
);

it('by long polling: `after` of the one that died, at the one that lives', { timeout: 300_000 }, () =>
  withTwo(async (servers, database) => {
    const heard = new Heard();
    heard.last = (await servers.a.client.pollEvents()).last;
    const poll = async (client: Client): Promise<void> => {
      const { items, last, gap } = await client.pollEvents({ after: heard.last, waitMs: 2000 });
      assert.equal(gap, false, 'nothing is too old to be told');
      for (const { id, ...event } of items) heard.note(id, event);
      heard.last = last;
    };
    await killUnderLoad(servers, heard, async () => {
      while (heard.keys.size < HEARD) await poll(servers.a.client);
    });
    while (!(await isAllHeard(database, heard))) await poll(servers.b.client);
    assert.deepEqual(heard.keys, await commitsIn(database));
  }),
);
