/** Hosts that join, prove who they are, and report; on an embedded store whose clock the test moves. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { agentSessionText, agentWorkerName } from '../../src/api/agent.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { Agents } from '../../src/cloud/agents/agents.ts';
import { agentTables } from '../../src/cloud/agents/schema.ts';
import { type CloudDb, cloudTables } from '../../src/cloud/schema.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { FACTS, HostKey, join, reportOf, sessionOf, tokenFor } from './agent-fixture.ts';

const MINUTE = 60_000;

/** A server that can be started anew some minutes later (or, by its wall clock, earlier). */
async function withServer(run: (server: Server) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(path(tmpdir(), 'coax-agents-'));
  const open = (shift: number) =>
    openSqlite({ file: path(dir, 'coax.db'), schema: installationSchema, wall: () => Date.now() + shift });
  let store = open(0);
  const server: Server = {
    dir,
    agents: new Agents(store, agentWorkerName),
    db: () => cloudTables(store.reader),
    async later(ms) {
      await store.close();
      store = open(ms);
      server.agents = new Agents(store, agentWorkerName);
    },
  };
  try {
    await run(server);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true });
  }
}

interface Server {
  readonly dir: string;
  agents: Agents;
  db(): CloudDb;
  later(ms: number): Promise<void>;
}

const refuses = (work: Promise<unknown>, code: string, reason: RegExp) =>
  assert.rejects(work, (error: Error & { code?: string; reason?: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.reason ?? '', reason);
    return true;
  });

test('a join token lets one host in, once, for a while, and a lost answer may be asked for again', () =>
  withServer(async server => {
    const { agents } = server;
    const token = await tokenFor(agents);
    const key = new HostKey();
    const wish = { host: 'h1', publicKey: key.publicKey, version: '1', facts: FACTS };
    const first = await agents.enrol(token, wish);
    assert.deepEqual(await agents.enrol(token, wish), first);
    await refuses(join(agents, 'h1', token), 'COAX_JOIN_TOKEN', /used already, with another key/);
    await refuses(join(agents, 'h2', token), 'COAX_JOIN_TOKEN', /used already/);
    await refuses(join(agents, 'h2', 'coax_join_x'), 'COAX_JOIN_TOKEN', /not known/);
    await refuses(join(agents, 'h2', 'coax_test'), 'COAX_JOIN_TOKEN', /not a join token/);
    const forH3 = await tokenFor(agents, { host: 'h3' });
    await refuses(join(agents, 'h2', forH3), 'COAX_JOIN_TOKEN', /for the host h3/);
    const soon = await tokenFor(agents, { ttlMs: 10 * MINUTE });
    await server.later(11 * MINUTE);
    await refuses(join(server.agents, 'h2', soon), 'COAX_JOIN_TOKEN', /expired/);
    const hosts = await server.db().selectFrom('hosts').select(['name', 'agent']).execute();
    assert.deepEqual(
      hosts.map(({ name, agent }) => `${name} ${agent}`),
      ['h1 1'],
    );
    await refuses(tokenFor(server.agents, { rekeys: true }), 'COAX_USAGE', /one host/);
  }));

test('join tokens are listed without what opens something, and taken back until they are used', () =>
  withServer(async server => {
    const wish = (host: string) => ({ host, ttlMs: 10 * MINUTE, rekeys: false, actor: 'ann' });
    const made = await server.agents.joinToken(wish('h1'));
    await server.agents.joinToken(wish(''));
    await join(server.agents, 'h1', made.token);
    const open = await server.agents.joinTokens(false);
    assert.deepEqual(
      open.map(({ host, actor, used }) => ({ host, actor, used })),
      [{ host: '', actor: 'ann', used: null }],
    );
    const all = await server.agents.joinTokens(true);
    assert.deepEqual(all.map(({ usedBy }) => usedBy).sort(), ['', 'h1']);
    assert.ok(!JSON.stringify(all).includes(made.token.slice(-20)));
    const used = all.find(({ usedBy }) => usedBy === 'h1')!;
    await assert.rejects(server.agents.revokeJoinToken(used.id), {
      code: 'COAX_CONFLICT',
      hint: /`coax host revoke h1`/,
    });
    const late = await server.agents.joinToken(wish('h2'));
    const [latest] = (await server.agents.joinTokens(false)).filter(({ host }) => host === 'h2');
    await server.agents.revokeJoinToken(latest!.id);
    await assert.rejects(server.agents.revokeJoinToken(latest!.id), { code: 'COAX_NOT_FOUND' });
    await assert.rejects(join(server.agents, 'h2', late.token), { code: 'COAX_JOIN_TOKEN' });
    await server.later(11 * MINUTE);
    assert.deepEqual(await server.agents.joinTokens(false), [], 'expired');
    assert.equal((await server.agents.joinTokens(true)).length, 2);
  }));

test('a name belongs to its key: another comes in only by a token made for that', () =>
  withServer(async ({ agents }) => {
    const old = await join(agents, 'h1');
    const session = await sessionOf(agents, 'h1', old);
    await refuses(join(agents, 'h1'), 'COAX_HOST_EXISTS', /another key/);
    await refuses(
      join(agents, 'h1', await tokenFor(agents, { host: 'h1' })),
      'COAX_HOST_EXISTS',
      /another key/,
    );
    assert.equal(await agents.hostOf(session), 'h1');

    const fresh = await join(agents, 'h1', await tokenFor(agents, { host: 'h1', rekeys: true }));
    assert.equal(await agents.hostOf(session), null);
    await refuses(sessionOf(agents, 'h1', old), 'COAX_AGENT_KEY', /no key/);
    assert.equal(await agents.hostOf(await sessionOf(agents, 'h1', fresh)), 'h1');
  }));

test('a challenge is answered once, by its host, in time, and with the right key', () =>
  withServer(async server => {
    const { agents } = server;
    const key = await join(agents, 'h1');
    await join(agents, 'h2');
    const { nonce } = await agents.challenge('h1');
    const text = agentSessionText('h1', nonce);
    const signature = key.sign(text).toString('base64');
    const open = (more: { host?: string; nonce?: string; text?: string; signature?: string }) => {
      const { host = 'h1', ...proof } = more;
      return server.agents.openSession(host, { nonce, text, signature, ...proof });
    };
    const forged = nonce.replace(/.$/, last => (last === '0' ? '1' : '0'));
    const longer = nonce.replace(/^[0-9a-z]+/, 'zzzzzzzz');
    for (const wrong of ['', 'x', forged, longer])
      await refuses(open({ nonce: wrong }), 'COAX_CHALLENGE', /not one for this host/);
    await refuses(open({ host: 'h2' }), 'COAX_CHALLENGE', /not one for this host/);
    const other = new HostKey().sign(text).toString('base64');
    for (const wrong of [other, '', 'AAAA', key.sign(nonce).toString('base64')])
      await refuses(open({ signature: wrong }), 'COAX_AGENT_KEY', /no key/);
    const unknown = await agents.challenge('h9');
    await refuses(open({ host: 'h9', nonce: unknown.nonce }), 'COAX_AGENT_KEY', /no key/);

    const { token } = await open({});
    assert.equal(await agents.hostOf(token), 'h1');
    await refuses(open({}), 'COAX_CHALLENGE', /answered already/);
    const { nonce: late } = await agents.challenge('h1');
    await server.later(2 * MINUTE);
    await refuses(
      open({ nonce: late, text: agentSessionText('h1', late), signature: key.proof('h1', late).signature }),
      'COAX_CHALLENGE',
      /too old/,
    );
    assert.equal(await server.agents.hostOf(token), 'h1', 'a session outlives the server');
    await server.later(11 * MINUTE);
    assert.equal(await server.agents.hostOf(token), null);
  }));

test('a host has few sessions at a time', () =>
  withServer(async ({ agents, db }) => {
    const key = await join(agents, 'h1');
    for (let n = 0; n < 10; n++) await sessionOf(agents, 'h1', key);
    const sessions = await agentTables(db()).selectFrom('agent_sessions').selectAll().execute();
    assert.equal(sessions.length, 8);
  }));

test('a report makes the host what it says, brings it up, and renews its lease', () =>
  withServer(async ({ agents, db }) => {
    await join(agents, 'h1');
    const host = () =>
      db().selectFrom('hosts').selectAll().where('name', '=', 'h1').executeTakeFirstOrThrow();
    const lease = async () =>
      (await agentTables(db()).selectFrom('agents').select('lease_until').executeTakeFirstOrThrow())
        .lease_until;
    assert.deepEqual(
      [(await host()).state, (await host()).reason],
      ['down', 'its agent has not reported yet'],
    );
    const gpus = [{ model: '10de:20b0', count: 2 }];
    const first = await agents.report('h1', reportOf({ facts: { ...FACTS, gpus } }));
    assert.deepEqual([first.state, first.reason, first.network?.name], ['up', '', 'simulated']);
    const row = await host();
    assert.deepEqual(
      [
        row.cpu_total,
        row.mem_total_mib,
        row.disk_total_mib,
        row.zone,
        row.rack,
        row.gpu_model,
        row.gpus,
        row.numa,
      ],
      [8, 16_384, 100_000, 'z1', 'r1', '10de:20b0', '[1000,1000]', '[{"cpuMilli":8000,"memMib":16384}]'],
    );
    const before = await lease();
    const changed = Number(row.changed);
    await new Promise(resolve => setTimeout(resolve, 5));
    await agents.report('h1', reportOf({ facts: { ...FACTS, gpus } }));
    assert.ok((await lease()) > before);
    assert.equal(Number((await host()).changed), changed, 'nothing is new for placement');

    const broken = await agents.report('h1', reportOf({ facts: { ...FACTS, fault: 'no /dev/kvm' } }));
    assert.deepEqual([broken.state, broken.reason], ['down', 'no /dev/kvm']);
    assert.equal((await agents.report('h1', reportOf())).state, 'up');
    const network = {
      cidr: '10.1.0.0/33',
      gateway: '10.1.0.1',
      prefix: 33,
      mode: 'tap',
      httpPort: 80,
    } as const;
    await refuses(
      agents.report('h1', reportOf({ facts: { ...FACTS, hypervisor: 'qemu', network } })),
      'COAX_MESSAGE_INVALID',
      /not a subnet/,
    );
  }));

test('a host that is shut out has no session, no report, and comes back only by a token for it', () =>
  withServer(async ({ agents, db }) => {
    const key = await join(agents, 'h1');
    await agents.report('h1', reportOf());
    const unused = await tokenFor(agents, { host: 'h1' });
    const session = await sessionOf(agents, 'h1', key);
    assert.equal(await agents.revoke('h1', 'ann'), 1);
    assert.equal(await agents.hostOf(session), null);
    await refuses(sessionOf(agents, 'h1', key), 'COAX_AGENT_KEY', /no key/);
    await refuses(agents.report('h1', reportOf()), 'COAX_AGENT_KEY', /no key/);
    const host = await db().selectFrom('hosts').selectAll().executeTakeFirstOrThrow();
    assert.deepEqual([host.state, host.reason], ['down', 'its key was revoked by ann']);
    await refuses(join(agents, 'h1', unused), 'COAX_JOIN_TOKEN', /not known/);
    await refuses(join(agents, 'h1'), 'COAX_HOST_EXISTS', /revoked/);
    const again = await join(agents, 'h1', await tokenFor(agents, { host: 'h1' }));
    assert.equal(await agents.hostOf(await sessionOf(agents, 'h1', again)), 'h1');
    assert.equal((await agents.report('h1', reportOf())).state, 'up');
    await refuses(agents.revoke('h9', 'ann'), 'COAX_NOT_FOUND', /no host h9/);
  }));

test('the database holds no token and no private key, only hashes', () =>
  withServer(async server => {
    const { agents } = server;
    const token = await tokenFor(agents);
    const key = await join(agents, 'h1', token);
    const session = await sessionOf(agents, 'h1', key);
    const files = readdirSync(server.dir).map(file => readFileSync(path(server.dir, file), 'latin1'));
    assert.ok(files.some(text => text.includes('agent_sessions')));
    for (const secret of [token, session]) assert.ok(files.every(text => !text.includes(secret)));
  }));

test('a public key is read in three forms, and nothing else is one', () =>
  withServer(async ({ agents }) => {
    const key = new HostKey();
    const der = Buffer.from(key.publicKey.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    for (const [n, form] of [
      key.publicKey,
      der.toString('base64'),
      der.subarray(-32).toString('base64'),
    ].entries()) {
      const host = `k${n}`;
      await agents.enrol(await tokenFor(agents), { host, publicKey: form, version: '1', facts: FACTS });
      assert.equal(await agents.hostOf(await sessionOf(agents, host, key)), host);
    }
    for (const wrong of ['', 'x', 'AAAA', der.toString('base64').slice(8)]) {
      const wish = { host: 'kx', publicKey: wrong, version: '1', facts: FACTS };
      await refuses(
        tokenFor(agents).then(token => agents.enrol(token, wish)),
        'COAX_MESSAGE_INVALID',
        /Ed25519/,
      );
    }
  }));
