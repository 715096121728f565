/** Secrets come under another key of the file, and the old one is needed by nothing: on both engines, killed at any point. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { CoaxError } from '../../src/errors/coax-error.ts';
import type { Json } from '../../src/message/message.ts';
import type { Sealed } from '../../src/message/secret/sealed.ts';
import { KeyFile } from '../../src/secret/key-file.ts';
import { openSecrets } from '../../src/secret/open-secrets.ts';
import { secretTables } from '../../src/secret/schema.ts';
import { SecretBox } from '../../src/secret/secret-box.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { planOfSteps } from '../../src/testing/store-conformance/fixture.ts';

const dir = mkdtempSync(join(tmpdir(), 'coax-reseal-'));
const CHILD = fileURLToPath(new URL('./reseal-child.ts', import.meta.url));
let cluster: PostgresCluster;
before(async () => {
  cluster = await makePostgresCluster();
});
after(async () => {
  await cluster.close();
  rmSync(dir, { recursive: true });
});
const code = (expected: string) => (error: unknown) => error instanceof CoaxError && error.code === expected;

const ENGINES: readonly (readonly [
  name: string,
  address: () => string,
  open: (address: string) => Promise<Store>,
])[] = [
  ['SQLite', () => join(dir, 'coax.db'), async file => openSqlite({ file, schema: installationSchema })],
  [
    'PostgreSQL',
    () => cluster.url(),
    url => openPostgres({ url, namespace: 'reseal', schema: installationSchema }),
  ],
];

/** Accepts a message whose parameter is that sealed value. */
async function holding(store: Store, sealed: Sealed): Promise<number> {
  const [accepted] = await store.submit([
    {
      flow: 'own',
      plan: planOfSteps('nobody here'),
      parameters: { password: sealed as unknown as Json },
      actor: 'tester',
    },
  ]);
  return accepted!.msgid;
}

const heldBy = async (store: Store, msgid: number): Promise<Sealed> =>
  (await store.message(msgid))!.base.password as unknown as Sealed;

for (const [name, address, openStore] of ENGINES)
  describe(name, () => {
    const keyFile = join(dir, `${name}.json`);
    /** A message of before there were data keys, and one of after. */
    const held: number[] = [];

    test('after it no row needs the old key, and what the old key sealed by itself opens, too', async () => {
      // What an older Coax sealed by the key of the file itself.
      const first = new KeyFile(keyFile).add(1);
      const store = await openStore(address());
      try {
        const { box, keys } = await openSecrets(store, keyFile);
        held.push(await holding(store, new SecretBox(new KeyFile(keyFile)).seal('of before')));
        held.push(await holding(store, box.seal('of after')));
        assert.deepEqual((await heldBy(store, held[0]!)).$secret.key, first.id);
        assert.notEqual((await heldBy(store, held[1]!)).$secret.key, first.id);
        const before = await Promise.all(held.map(msgid => store.message(msgid)));
        await keys.rotate();
        const counts = async () => (await keys.list()).map(({ messages }) => messages);
        assert.deepEqual(await counts(), [2, 0]);
        await assert.rejects(keys.drop(first.id), code('COAX_SECRET_KEY_NEEDED'));
        await keys.reseal();
        assert.deepEqual(await counts(), [0, 2]);
        await keys.reseal();
        await keys.drop(first.id);
        // No message and no commit is another than before.
        assert.deepEqual(await Promise.all(held.map(msgid => store.message(msgid))), before);
        assert.ok(!readFileSync(keyFile, 'utf8').includes(first.bytes.toString('base64')));
        const rows = await secretTables(store.reader).selectFrom('secret_data_keys').selectAll().execute();
        const newest = new KeyFile(keyFile).newest().id;
        assert.deepEqual([...new Set(rows.map(({ kek }) => kek))], [newest]);
      } finally {
        await store.close();
      }
      // A process that never had the old key opens all of it.
      const again = await openStore(address());
      try {
        const { box } = await openSecrets(again, keyFile);
        const opened = await Promise.all(held.map(async msgid => box.open(await heldBy(again, msgid))));
        assert.deepEqual(opened, ['of before', 'of after']);
      } finally {
        await again.close();
      }
    });

    test('killed at any point it loses nothing, and goes on when it is begun again', async () => {
      for (let round = 0; round < 6; round++) {
        const child = spawn(process.execPath, [CHILD, address(), keyFile], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [said] = (await once(child.stdout, 'data')) as [Buffer];
        assert.match(said.toString(), /^open/);
        await sleep(Math.random() * 60);
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
        const store = await openStore(address());
        try {
          const { box, keys } = await openSecrets(store, keyFile);
          for (const [at, text] of ['of before', 'of after'].entries())
            assert.equal(box.open(await heldBy(store, held[at]!)), text);
          assert.equal(box.open(box.seal('new')), 'new');
          await keys.reseal();
          assert.equal((await keys.list()).find(({ newest }) => newest)?.messages, 2);
        } finally {
          await store.close();
        }
      }
    });

    test('it keeps what only an archive or a copy may need; a drop without it ends that', async () => {
      const store = await openStore(address());
      try {
        const { box, keys } = await openSecrets(store, keyFile);
        const newest = async () => (await keys.list()).find(({ newest }) => newest)!.id;
        const first = box.seal('in an archive');
        const before = await newest();
        await keys.rotate();
        await keys.reseal();
        await keys.drop(before);
        assert.equal(box.open(first), 'in an archive');
        // Messages need the data keys behind this one, so it stays while they do.
        const now = await newest();
        await keys.rotate();
        await assert.rejects(keys.drop(now), code('COAX_SECRET_KEY_NEEDED'));
        const decisions = makeDecisions(store);
        for (const msgid of held) await decisions.cancel(msgid, { actor: 'tester', reason: 'the end' });
        await keys.drop(now);
        assert.throws(() => box.open(first), code('COAX_SECRET_KEY_MISSING'));
      } finally {
        await store.close();
      }
    });
  });
