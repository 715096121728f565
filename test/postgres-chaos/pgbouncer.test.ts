/** Through PgBouncer: a session for each client works; a session for each transaction is refused, with the reason. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ok } from '../../src/message/outcome.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { claimOne, finish, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests } from '../postgres/fixture.ts';
import { Processes, until } from '../system/process-fixture.ts';

const PGBOUNCER = '/usr/sbin/pgbouncer';

describe('through PgBouncer', () => {
  const tests = postgresTests();

  /** PgBouncer with these settings, before that database. */
  async function pooled(
    url: string,
    settings: readonly string[],
    test: (url: string) => Promise<void>,
  ): Promise<void> {
    await using processes = new Processes();
    const port = await freePort();
    const ini = [
      '[databases]',
      `* = host=127.0.0.1 port=${tests.cluster.port} user=coax`,
      '[pgbouncer]',
      `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any`,
      'default_pool_size = 60\nmax_client_conn = 200',
      ...settings,
    ];
    writeFileSync(processes.path('pgbouncer.ini'), `${ini.join('\n')}\n`, { mode: 0o644 });
    chmodSync(processes.dir, 0o755);
    // It refuses to run as root.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const program = processes.start(PGBOUNCER, [...user, processes.path('pgbouncer.ini')]);
    await program.says(/process up/);
    const through = new URL(url);
    through.port = String(port);
    await test(String(through));
  }

  it('a session for each client: everything works, wake-ups and the deaths of processes too', () =>
    tests.withDatabase(({ url }) =>
      pooled(url, ['pool_mode = session'], async through => {
        const [one, two] = await Promise.all([
          openPostgres({ url: through }),
          openPostgres({ url: through }),
        ]);
        try {
          const heard: number[] = [];
          two.onCommit(events => {
            for (const { message } of events) heard.push(message.seq);
          });
          let ready = false;
          two.onReady(() => {
            ready = true;
          });
          await Promise.all([one.holdName('p1'), two.holdName('p2')]);
          await until('the names are held for long enough', async () => {
            const dead = await two.deadNames(['p1', 'p3']);
            return dead.length === 1 && dead[0] === 'p3';
          });
          ready = false;
          await submitOne(one);
          await until('the other hears of it', () => ready);
          await finish(one, await claimOne(two, 'net'), ok());
          const last = await finish(two, await claimOne(one, 'disk'), ok());
          assert.equal(last.kind, 'written');
          await until('the other hears of the last commit', () => heard.includes(2) || heard.includes(1));
          await one.close();
          await until('its name is free', async () => (await two.deadNames(['p1'])).length === 1);
        } finally {
          await Promise.all([one.close(), two.close()]);
        }
      }),
    ));

  for (const turns of [0, 1])
    it(`a session for each transaction is refused (server_round_robin = ${turns})`, () =>
      tests.withDatabase(({ url, open }) =>
        pooled(url, ['pool_mode = transaction', `server_round_robin = ${turns}`], async through => {
          await assert.rejects(openPostgres({ url: through }), {
            code: 'COAX_STORE_UNAVAILABLE',
            reason: /a pooler gives each transaction another session/,
            hint: /pool_mode=session/,
          });
          await open();
        }),
      ));
});
