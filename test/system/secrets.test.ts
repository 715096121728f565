/**
 * Secrets of parameters: everything that the system wrote or said is searched for them, as they are and in Base64; on both
 * engines, with steps of every kind, failures, walks back, forks and rewinds.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { MessageView } from '../../src/api/message.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { until } from './process-fixture.ts';
import { auth, digest, found, SECRETS, SecretWorld, searchFolder } from './secret-world.ts';

const PASSWORD = digest(SECRETS.password);

let cluster: PostgresCluster;
before(async () => {
  cluster = await makePostgresCluster(['log_statement=all', 'wal_compression=off']);
});
after(() => cluster?.close());

describe('the search itself', () => {
  it('finds what it looks for', () => {
    for (const secret of Object.values(SECRETS)) {
      for (const text of [
        secret,
        `a${Buffer.from(`x${secret}`).toString('base64')}`,
        Buffer.from(secret).toString('hex'),
      ])
        assert.ok(found('text', text).length > 0, text);
    }
  });
});

for (const engine of ['SQLite', 'PostgreSQL'] as const) {
  describe(`secrets on ${engine}`, () => {
    it('are given to the steps that declare them, and stand nowhere', { timeout: 180_000 }, async () => {
      await using world = new SecretWorld();
      const env: Record<string, string> = {};
      if (engine === 'PostgreSQL') {
        await cluster.createDatabase('secrets');
        env.COAX_STORE = cluster.url('secrets');
      }
      await world.open(env);
      const done = await givenAndUndone(world);
      const parked = await failing(world);
      const fork = await changed(world, done);
      await rotated(world);
      await plansAndForgeries(world, done);
      await asked(world, done, parked, fork);
      // What is in the store again, to be dumped and copied.
      assert.equal((await world.run('p5')).status, 'done');
      if (engine === 'PostgreSQL') await dump(world, 'secrets');
      await world.close();
      if (engine === 'SQLite') await copyAndDump(world);
      assert.ok(world.said.join('').includes('(secret)'));
      // Its files come and go while it runs, and its newest pages are in its memory.
      await cluster.stop('fast');
      const leaks = [
        ...world.said.flatMap((text, index) => found(`what was said, ${index}: ${text.slice(0, 80)}`, text)),
        ...['data', 'worker', 'archive', 'ledger'].flatMap(folder =>
          searchFolder(world.processes.path(folder)),
        ),
        ...searchFolder(cluster.folder),
      ];
      await cluster.start();
      assert.deepEqual(leaks, []);
    });
  });
}

async function dump(world: SecretWorld, database: string): Promise<void> {
  const { stdout } = await exec('pg_dump', [cluster.url(database)], { timeoutMs: 60_000 });
  assert.match(stdout, /\$secret/);
  world.said.push(stdout);
}

async function copyAndDump(world: SecretWorld): Promise<void> {
  await cluster.createDatabase('copied');
  const copy = world.processes.coax('data', [
    'store',
    'copy',
    `sqlite:${world.processes.path('data')}`,
    cluster.url('copied'),
  ]);
  assert.equal(await copy.ended, 0, copy.output);
  world.said.push(copy.output);
  await dump(world, 'copied');
}

async function givenAndUndone(world: SecretWorld): Promise<MessageView> {
  // Done: every step that declares the secret has it, in every language and place.
  const done = await world.run('p1');
  assert.equal(done.status, 'done', JSON.stringify(done.error));
  assert.equal(done.parameters.plain, 'visible');
  const [member, none] = [digest(SECRETS.member), digest('None')];
  assert.equal(world.proof('p1', 'put-do'), `${PASSWORD} ${none}`);
  assert.match(world.proof('p1', 'typed'), new RegExp(`^${PASSWORD} ${digest(SECRETS.token)} `));
  assert.equal(world.proof('p1', 'use-do').split(' ')[0], PASSWORD);
  assert.equal(world.proof('p1', 'member-do'), `${member} ${none}\n${member} ${none}`);
  assert.match(world.proof('p1', 'blind'), /COAX_PARAM_USER=ann/);
  assert.doesNotMatch(world.proof('p1', 'blind'), /password|PASSWORD|secret|token/);
  for (const name of ['password', 'token', 'session', 'dsn'])
    assert.deepEqual(Object.keys(done.parameters[name] as object), ['$secret'], name);

  // A finished message walks back with its secrets.
  await world.client.revert(done.msgid, {});
  await world.untilIs(done.msgid, 'rolled_back');
  assert.equal(world.proof('p1', 'put-undo'), `${PASSWORD} ${digest(SECRETS.token)}`);
  assert.match(world.proof('p1', 'typed-undo'), new RegExp(`^${PASSWORD} `));
  return done;
}

async function failing(world: SecretWorld): Promise<MessageView> {
  // Steps that fail with their secret in every word that they say.
  for (const [index, fail] of ['put-do', 'put-do-text', 'use-do', 'member-do', 'last'].entries()) {
    const failed = await world.run(`f${index}`, fail);
    assert.equal(failed.status, 'rolled_back', fail);
    assert.match(JSON.stringify(failed.error), /\[secret\]/, fail);
  }
  const parked = await world.run('f9', 'put-undo');
  assert.equal(parked.status, 'done');
  await world.client.revert(parked.msgid, {});
  await world.untilIs(parked.msgid, 'parked');
  await world.client.resolve(parked.msgid, {
    how: 'edit',
    parameters: { fail: '', password: SECRETS.changed },
    reason: 'r',
  });
  await world.untilIs(parked.msgid, 'rolled_back');
  assert.match(world.proof('f9', 'put-undo'), new RegExp(`${digest(SECRETS.changed)} `));
  return parked;
}

async function changed(world: SecretWorld, done: MessageView): Promise<MessageView> {
  // What a person changes stays as secret as it was; what is not changed goes along.
  const first = (await world.client.commits(done.msgid, { order: 'oldest', limit: 1 })).items[0]!;
  mkdirSync(world.processes.path('p2'));
  const fork = await world.client.fork(first.id, {
    parameters: { proof: world.processes.path('p2'), password: SECRETS.changed },
    reason: 'r',
  });
  assert.equal((await world.client.waitFor(fork.msgid, { timeoutMs: 180_000 })).status, 'done');
  assert.equal(world.proof('p2', 'put-do').split(' ')[0], digest(SECRETS.changed));
  await world.client.rewind(fork.msgid, { to: 1, parameters: { password: SECRETS.password }, reason: 'r' });
  await until('it is done again', async () => {
    const message = await world.client.message(fork.msgid);
    return message.status === 'done' && world.proof('p2', 'typed').split('\n').length === 2;
  });
  assert.match(world.proof('p2', 'typed').split('\n')[1]!, new RegExp(`^${PASSWORD} `));
  return fork;
}

async function rotated(world: SecretWorld): Promise<void> {
  // The same request again is the same message, before and after a rotation; another secret is another request.
  const request = { flow: 'make_user', parameters: world.parameters('p3') };
  const { msgid } = await world.client.submit(request, { key: 'once' });
  await world.client.waitFor(msgid, { timeoutMs: 180_000 });
  assert.equal((await world.client.submit(request, { key: 'once' })).msgid, msgid);
  await world.client.rotateSecretKey();
  assert.equal((await world.client.submit(request, { key: 'once' })).msgid, msgid);
  const other = { ...request, parameters: { ...request.parameters, password: SECRETS.changed } };
  await assert.rejects(world.client.submit(other, { key: 'once' }), /COAX_IDEMPOTENCY_CONFLICT/);

  // Rotated: new ones by the new key, old ones still open, and an old key that is needed is not dropped.
  const keys = (await world.client.secretKeys()).items;
  assert.deepEqual(
    keys.map(({ newest, here }) => [newest, here]),
    [
      [false, true],
      [true, true],
    ],
  );
  await assert.rejects(world.client.dropSecretKey(keys[0]!.id), /COAX_SECRET_KEY_NEEDED/);
  await assert.rejects(world.client.dropSecretKey(keys[1]!.id), /COAX_SECRET_KEY_NEEDED/);
  // Resealed, the old one is needed by nothing: what follows, and what came before, opens without it.
  assert.deepEqual(
    (await world.client.resealSecretKey()).items.map(({ messages }) => messages > 0),
    [false, true],
  );
  await world.client.dropSecretKey(keys[0]!.id);
  assert.equal((await world.client.submit(request, { key: 'once' })).msgid, msgid);
  await world.client.revert(msgid, {});
  await world.untilIs(msgid, 'rolled_back');
  assert.equal(world.proof('p3', 'put-undo').split(' ')[0], PASSWORD);
}

async function plansAndForgeries(world: SecretWorld, done: MessageView): Promise<void> {
  // A plan of its own says by name what is secret.
  const own = await world.client.submit({
    plan: { steps: [{ module: 'vault', action: 'put' }] },
    parameters: { proof: world.processes.path('p3'), password: SECRETS.password, fail: '' },
    secret: ['password'],
  });
  assert.equal((await world.client.waitFor(own.msgid, { timeoutMs: 180_000 })).status, 'done');
  await assert.rejects(
    world.client.submit({
      plan: { steps: [{ module: 'vault', action: 'put', at: 'host' }] },
      parameters: { host: 'h1' },
      secret: ['host'],
    }),
    /cannot be secret/,
  );

  // An envelope that was seen somewhere opens nothing.
  await assert.rejects(
    world.client.submit({
      flow: 'make_user',
      parameters: { ...world.parameters('p3'), members: [done.parameters.password!] },
    }),
    /\$secret/,
  );
}

async function asked(
  world: SecretWorld,
  done: MessageView,
  parked: MessageView,
  fork: MessageView,
): Promise<void> {
  // All that people and programs can ask.
  await world.cli(['run', 'make_user', '--params', '-', '--wait'], JSON.stringify(world.parameters('p4')));
  writeFileSync(world.processes.path('pw'), 'short');
  const refused = await world.cli([
    'run',
    'make_user',
    `proof=${world.processes.path('p4')}`,
    'user=x',
    `password=@${world.processes.path('pw')}`,
  ]);
  assert.equal(refused, '');
  assert.match(await world.cli(['log', String(fork.msgid)]), /\+password=\(secret\)/);
  const words = [
    ['ls', '--children'],
    ['log', String(fork.msgid)],
    ['show', `${fork.msgid}~1`],
    ['blame', String(fork.msgid)],
    ['diff', String(fork.msgid), String(done.msgid)],
    ['why', String(parked.msgid)],
    ['flow', 'show', 'make_user'],
    ['secret-key', 'ls'],
  ];
  await Promise.all(words.flatMap(args => [world.cli(args), world.cli([...args, '-o', 'json'])]));
  const views = await Promise.all(
    ['messages?children=true&limit=100', `messages/${parked.msgid}`, 'hosts', 'workers'].map(path =>
      world.client.raw('GET', `/v1/${path}`),
    ),
  );
  world.said.push(
    JSON.stringify(views),
    await (await fetch(`${world.url}/metrics`, auth(world.token))).text(),
  );
  await world.cli(['export', '--git', world.processes.path('ledger')]);
  const git = await exec('git', ['-C', world.processes.path('ledger'), 'log', '-p', '--all'], {
    timeoutMs: 60_000,
  });
  world.said.push(git.stdout);
  assert.match(git.stdout, /\$secret/);
  await world.cli(['archive', '--older-than', '0s', '--to', world.processes.path('archive')]);
  assert.match(await world.cli(['log', String(done.msgid)]), /\(secret\)/);
  assert.equal((await world.client.fsck()).ok, true);
}
