/** Two servers on one PostgreSQL behind the real nginx are restarted one after the other, while clients go on asking. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import { NginxWorld } from './nginx-fixture.ts';

/** So fast that the limit of the shipped configuration, which has a test of its own, plays no part. */
const RATE = 100_000;

const world = new NginxWorld();
before(async () => {
  await world.open();
  await world.startNginx(RATE);
});
after(() => world.close());

/** What clients got. */
class Tally {
  readonly msgids: number[] = [];
  readonly failures: string[] = [];
  answers = 0;

  async count(what: string, asked: Promise<{ status: number; body: string }>): Promise<string | null> {
    try {
      const { status, body } = await asked;
      this.answers++;
      if (status < 300) return body;
      this.failures.push(`${what}: ${status} ${body.slice(0, 200)}`);
    } catch (error) {
      this.failures.push(`${what}: ${(error as Error).message}`);
    }
    return null;
  }
}

/** Clients that ask until they are told to stop, over connections that they keep open. */
function startLoad(tally: Tally): () => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 12 });
  let stopped = false;
  let n = 0;
  const submitter = async (keyed: boolean): Promise<void> => {
    while (!stopped) {
      const mine = ++n;
      const body = JSON.stringify({ flow: 'note', parameters: { n: mine } });
      const headers: Record<string, string> = keyed ? { 'idempotency-key': `roll-${mine}` } : {};
      const answer = await tally.count('POST', world.ask('/v1/messages', { body, headers, agent }));
      if (answer !== null) tally.msgids.push(JSON.parse(answer).msgid);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  const reader = async (): Promise<void> => {
    while (!stopped) {
      await tally.count('GET', world.ask('/v1/messages?limit=5', { agent }));
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  const waiter = async (): Promise<void> => {
    while (!stopped) {
      const body = JSON.stringify({ flow: 'note', parameters: { n: ++n } });
      const headers = { prefer: 'wait=20', 'idempotency-key': `wait-${n}` };
      const answer = await tally.count('POST, waiting', world.ask('/v1/messages', { body, headers, agent }));
      if (answer !== null) tally.msgids.push(JSON.parse(answer).msgid);
    }
  };
  const clients = [submitter(true), submitter(true), submitter(false), reader(), reader(), waiter()];
  return async () => {
    stopped = true;
    await Promise.all(clients);
    agent.destroy();
  };
}

test('a rolling restart under load: no request fails, each is accepted once, no event is lost', async context => {
  const client = world.client();
  const { msgid } = await client.submit({ flow: 'long' });
  const seqs: number[] = [];
  const followed = (async () => {
    for await (const event of client.events({ msgid })) {
      if (event.type !== 'commit') throw new Error(`a gap: ${event.reason}`);
      seqs.push(...event.commits.map(({ seq }) => seq));
      if (event.message.status === 'done') return;
    }
  })();
  const tally = new Tally();
  const stop = startLoad(tally);
  try {
    for (const server of world.servers) {
      context.diagnostic(`restarting ${server.port}`);
      const before = tally.answers;
      assert.equal(await server.stop('SIGTERM'), 0);
      await server.start();
      // nginx tries a server that was away again a second after (`fail_timeout`); until then the other one must stay.
      await new Promise(resolve => setTimeout(resolve, 2500));
      for (const until = tally.answers + 200; tally.answers < until; )
        await new Promise(resolve => setTimeout(resolve, 50));
      context.diagnostic(
        `${tally.answers - before} answers while the server on ${server.port} was restarted`,
      );
    }
  } finally {
    await stop();
  }
  await followed;
  assert.deepEqual(tally.failures, []);
  assert.equal(new Set(tally.msgids).size, tally.msgids.length);
  let found = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await client.messages({ flow: 'note', limit: 500, ...(cursor && { cursor }) });
    found += page.items.length;
    if (page.next === null || page.next === undefined) break;
    cursor = page.next;
  }
  assert.equal(found, tally.msgids.length);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + seqs[0]!),
  );
  assert.equal((await client.message(msgid)).seq, seqs.at(-1));
  assert.doesNotMatch(world.errorLog, /no live upstreams/);
  client.close();
});
