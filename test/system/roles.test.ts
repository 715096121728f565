/** Servers and workers as processes of their own on one PostgreSQL: who is there, who takes over, how they end. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { plan } from './access-fixture.ts';
import { Processes, type Program, until } from './process-fixture.ts';

/** Notes that it began, then waits for the file that its parameter names. */
const GATED = `#!/bin/sh
[ "$COAX_MODE" = do ] && [ -n "$COAX_PARAM_GATE" ] && { touch "$COAX_PARAM_GATE.begun"; while [ ! -e "$COAX_PARAM_GATE" ]; do sleep 0.02; done; }
echo '{}'
`;
const OTHER = `${GATED}# other code\n`;

let cluster: PostgresCluster;
let databases = 0;
before(async () => {
  cluster = await makePostgresCluster();
});
after(() => cluster?.close());

/** Processes on a database of their own. */
async function shared(): Promise<{ processes: Processes; env: Record<string, string> }> {
  const name = `roles${++databases}`;
  await cluster.createDatabase(name);
  return { processes: new Processes(), env: { COAX_STORE: cluster.url(name) } };
}

/** `coax up --role worker`; resolves with its name among the workers and where it tells its health. */
async function startWorker(
  processes: Processes,
  env: Record<string, string>,
  data: string,
  modules: string,
  more: readonly string[] = [],
): Promise<{ program: Program; name: string; url: string }> {
  const args = [
    'up',
    '--role',
    'worker',
    '--simulate',
    '--listen',
    '127.0.0.1:0',
    '--modules',
    processes.path(modules),
    ...more,
  ];
  const program = processes.coax(data, args, env);
  const name = await program.says(/^worker +(\S+)/m);
  const url = (await program.says(/^health +(http\S+)\/readyz/m)).trim();
  return { program, name, url };
}

const health = async (url: string, path = 'readyz') => {
  const answer = await fetch(`${url}/${path}`);
  return { status: answer.status, body: (await answer.json()) as { faults?: { where: string }[] } };
};

/** The stream of events, open; `text` is all of it once it has ended. */
async function openEvents(url: string, token: string): Promise<{ text: Promise<string> }> {
  const answer = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${token}` } });
  return { text: answer.text() };
}

describe('roles of processes on one PostgreSQL', () => {
  it('workers of different versions: seen from every server, and each step is done by one that knows it', async () => {
    const { processes, env } = await shared();
    await using _ = processes;
    processes.action('old', 'a', 'act', GATED);
    processes.action('new', 'a', 'act', OTHER);
    processes.action('new', 'a', 'extra', GATED);
    processes.action('new', 'b', 'act', GATED);
    const one = await processes.server('s1', ['--role', 'server'], env);
    const two = await processes.server('s2', ['--role', 'server'], env);
    const old = await startWorker(processes, env, 'w1', 'old');
    const knows = await startWorker(processes, env, 'w2', 'new');

    const workers = await until('both servers list all four', async () => {
      const lists = [await one.client.workers(), await two.client.workers()];
      return lists.every(({ items }) => items.filter(w => w.version !== null).length === 4) && lists[1];
    });
    const byName = new Map(workers.items.map(worker => [worker.name, worker]));
    assert.deepEqual(workers.items.map(({ role }) => role).sort(), ['server', 'server', 'worker', 'worker']);
    assert.equal(byName.get(old.name)?.pid, old.program.pid);
    const moduleOf = (name: string, module: string) =>
      byName.get(name)?.modules.find(view => view.module === module);
    assert.equal(moduleOf(old.name, 'a')?.differs, true);
    assert.equal(moduleOf(knows.name, 'a')?.actions.find(({ action }) => action === 'act')?.differs, true);
    assert.equal(moduleOf(knows.name, 'a')?.actions.find(({ action }) => action === 'extra')?.differs, false);
    assert.equal(moduleOf(knows.name, 'b')?.differs, false);
    assert.equal(moduleOf(old.name, 'network')?.differs, false, 'what came with Coax is the same');
    const listed = processes.coax('s2', ['workers']);
    await listed.says(/a:[0-9a-f]{8}≠/);
    await listed.says(/different code by different workers: a act/);

    // `b` and `a extra` are known to one of them only; a hundred messages would meet the other, too.
    const both = Array.from({ length: 20 }, () => ({ plan: plan('b act', 'a extra'), parameters: {} }));
    const { items } = await one.client.submitMany(both);
    for (const item of items) {
      const msgid = 'msgid' in item ? item.msgid : 0;
      assert.equal((await two.client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
      const { items: commits } = await two.client.commits(msgid, { order: 'oldest' });
      assert.deepEqual(
        commits.slice(1).map(({ worker }) => worker),
        [knows.name, knows.name],
      );
    }

    // Nobody serves `b` any more: the message waits, and it is told why and since when.
    knows.program.signal('SIGTERM');
    assert.equal(await knows.program.ended, 0, knows.program.output);
    const { msgid } = await one.client.submit({ plan: plan('b act'), parameters: {} });
    const { msgid: strange } = await one.client.submit({ plan: plan('nowhere act'), parameters: {} });
    // `a` is served, by a worker that is too old for this action: it is left all the same.
    const { msgid: newer } = await one.client.submit({ plan: plan('a extra'), parameters: {} });
    await until('it is told of the action', async () =>
      (await two.client.why(newer)).reason.includes(
        'no worker there knows the action a extra; it waits since 2',
      ),
    );
    const following = processes.coax('s2', ['wait', String(newer)]);
    await following.says(/Nobody can take a extra: module a is served, but no worker there knows the action/);
    const why = await until('it is told', async () => {
      const view = await two.client.why(msgid);
      return view.waiting?.served === false && view;
    });
    assert.match(why.reason, /module b is served by no worker; last seen 2\S+ at worker /);
    assert.ok(why.reason.includes(knows.name) && /it waits since 2/.test(why.reason), why.reason);
    assert.match((await two.client.why(strange)).reason, /module nowhere is served by no worker; never seen/);
    const checks = (await one.client.doctor()).items.filter(
      ({ ok, name }) => !ok && /^(module|action)/.test(name),
    );
    assert.deepEqual(checks.map(({ name }) => name).sort(), ['action a extra', 'module b', 'module nowhere']);
    assert.match(
      checks.find(({ name }) => name === 'module b')?.about ?? '',
      /last seen .* wait for it since/,
    );
    await processes.coax('s1', ['why', String(msgid)]).says(/module b is served by no worker; last seen/);

    await startWorker(processes, env, 'w3', 'new');
    assert.equal((await one.client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
    assert.equal(await following.ended, 0, following.output);
    const { items: left } = await one.client.commits(newer, { order: 'oldest' });
    assert.deepEqual(
      left.map(({ outcome }) => outcome),
      ['accepted', 'ok'],
      'nothing failed meanwhile',
    );
    await one.client.cancel(strange, { reason: 'test' });
    assert.equal((await one.client.fsck()).ok, true);
  });

  it('the steps of a worker that is killed are done by another at once, not at the end of their lease', async t => {
    const { processes, env } = await shared();
    await using _ = processes;
    processes.action('modules', 'a', 'act', GATED);
    const { client } = await processes.server('s1', ['--role', 'server'], env);
    // Nobody waits here for the end of that lease.
    const first = await startWorker(processes, env, 'w1', 'modules', ['--lease', '1h']);
    const gate = processes.path('gate');
    const { msgid } = await client.submit({ plan: plan('a act', 'a act'), parameters: { gate } });
    await until('its step is under way', () => existsSync(`${gate}.begun`));
    const second = await startWorker(processes, env, 'w2', 'modules');
    // Nobody is taken for dead in the first two seconds: the server has been there for longer.
    await until('it is listed', async () => (await client.workers()).items.length === 3);
    first.program.signal('SIGKILL');
    await first.program.ended;
    const killed = performance.now();
    await until('another holds it', async () => (await client.message(msgid)).worker === second.name);
    const tookMs = performance.now() - killed;
    t.diagnostic(`a step of a killed process was taken over ${tookMs.toFixed(0)} ms after its death`);
    assert.ok(!(await client.workers()).items.some(({ name }) => name === first.name), 'it is forgotten');
    writeFileSync(gate, '');
    assert.equal((await client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
    const { items } = await client.commits(msgid);
    assert.ok(items.slice(0, 2).every(({ worker }) => worker === second.name));
    assert.equal((await client.fsck()).ok, true);
  });

  it('a worker without a session is taken over at the end of its lease', async t => {
    const { processes, env } = await shared();
    await using _ = processes;
    const { client, url, token } = await processes.server('s1', ['--role', 'server'], env);
    const { msgid } = await client.submit({ plan: plan('away act'), parameters: {} });
    const claim = async (worker: string, leaseMs: number) => {
      const answer = await fetch(`${url}/v1/channel/claim`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ worker, addresses: ['away'], leaseMs, waitMs: 60_000 }),
      });
      return ((await answer.json()) as { items: { msgid: number }[] }).items.map(item => item.msgid);
    };
    const claimed = performance.now();
    assert.deepEqual(await claim('silent', 1000), [msgid]);
    assert.deepEqual(await claim('next', 60_000), [msgid]);
    const tookMs = performance.now() - claimed;
    t.diagnostic(`a lease of 1000 ms that nobody extended was given on after ${tookMs.toFixed(0)} ms`);
    assert.ok(tookMs > 900, `${tookMs} ms`);
  });

  it('drains in order: says that it is not ready, ends what is under way, lets go what is held, leaves with 0', async () => {
    const { processes, env } = await shared();
    await using _ = processes;
    processes.action('modules', 'a', 'act', GATED);
    const server = await processes.server(
      's1',
      ['--modules', processes.path('modules'), '--grace', '60s'],
      env,
    );
    const { client, url, token } = server;
    const gate = processes.path('gate');
    const { msgid } = await client.submit({ plan: plan('a act', 'a act'), parameters: { gate } });
    await until('its step is under way', () => existsSync(`${gate}.begun`));
    assert.deepEqual([(await health(url)).status, (await health(url, 'livez')).status], [200, 200]);
    const events = await openEvents(url, token);
    const poll = fetch(`${url}/v1/messages/${msgid}?wait=60`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const claim = fetch(`${url}/v1/channel/claim`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ worker: 'w', addresses: ['away'], waitMs: 60_000 }),
    });
    await until('the claim is held', async () =>
      (await client.workers()).items.some(({ name }) => name === 'w'),
    );
    server.program.signal('SIGTERM');
    await until('it says that it drains', async () => {
      const { status, body } = await health(url);
      return status === 503 && body.faults?.some(({ where }) => where === 'draining');
    });
    assert.deepEqual(
      ((await (await claim).json()) as { items: unknown[] }).items,
      [],
      'a claim ends at once',
    );
    assert.equal((await health(url, 'livez')).status, 200);
    assert.equal((await client.message(msgid)).status, 'running', 'the step under way goes on');
    writeFileSync(gate, '');
    assert.equal(await server.program.ended, 0, server.program.output);
    assert.equal((await poll).status, 200, 'what was held is answered');
    assert.match(await events.text, /event: end/);
    const next = await processes.server('s2', ['--modules', processes.path('modules')], env);
    const ended = await next.client.waitFor(msgid, { timeoutMs: 180_000 });
    const { items } = await next.client.commits(msgid, { order: 'oldest' });
    assert.deepEqual(
      [ended.status, items[1]?.attempt],
      ['done', 1],
      'the step was done once, by whom it drained',
    );
    assert.notEqual(items[1]?.worker, items[2]?.worker);
  });

  it('a server without its store says so in a line, not with a stack trace for each request', async () => {
    const { processes, env } = await shared();
    await using _ = processes;
    const { client, program } = await processes.server('s1', ['--role', 'server'], env);
    await cluster.stop('immediate');
    const began = performance.now();
    try {
      for (let request = 0; request < 30; request++)
        await assert.rejects(client.messages({}), { code: 'COAX_STORE_UNAVAILABLE' });
    } finally {
      await cluster.start();
    }
    await until('it is there again', () =>
      client.messages({}).then(
        () => true,
        () => false,
      ),
    );
    const seconds = (performance.now() - began) / 1000;
    const told = program.output.split('\n').filter(line => line.includes('COAX_STORE_UNAVAILABLE'));
    assert.ok(told.length > 0, 'somebody who reads the log learns of it');
    // What the server does by itself has lines of its own, while the database takes as long as it likes to start.
    const ofRequests = told.filter(line => line.includes('"reqId"'));
    assert.ok(ofRequests.length <= seconds + 2, 'at most one a second, however many requests there are');
    assert.doesNotMatch(program.output, /"stack"|^ +at /m);
  });

  it('a worker without its store is alive and not ready; without a shared store it does not start', async () => {
    const { processes, env } = await shared();
    await using _ = processes;
    const { url, program } = await startWorker(processes, env, 'w1', 'none');
    assert.equal((await health(url)).status, 200);
    await cluster.stop('fast');
    try {
      await until('it says so', async () => {
        const { status, body } = await health(url);
        return status === 503 && body.faults?.some(({ where }) => where === 'store');
      });
      assert.equal((await health(url, 'livez')).status, 200);
    } finally {
      await cluster.start();
    }
    await until('it is ready again', async () => (await health(url)).status === 200);
    program.signal('SIGTERM');
    assert.equal(await program.ended, 0, program.output);
    const alone = processes.coax('w2', ['up', '--role', 'worker'], {});
    assert.equal(await alone.ended, 2);
    assert.match(alone.output, /needs a store that it shares(.|\n)*coax worker --modules DIR/);
  });
});
