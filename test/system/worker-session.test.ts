import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { z } from 'zod';
import { HttpChannel } from '../../src/client/http-channel.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { openCatalogue } from '../../src/step/catalogue.ts';
import { defineModule } from '../../src/step/define-module.ts';
import { Worker } from '../../src/worker/worker.ts';
import { openServed, plan, TOKEN } from './access-fixture.ts';

/** A way to the server that can be cut. */
async function openWay(url: string): Promise<{ url: string; cut(): void; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer(near => {
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    cut,
    close() {
      server.close();
      cut();
    },
  };
}

test('a worker whose session breaks stops what it runs before it comes back: no step runs twice at once', async () => {
  await using served = await openServed();
  const { client } = served;
  const way = await openWay(served.url);
  const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stopped: unknown[] = [];
  let runs = 0;
  let underWay = 0;
  const away = defineModule({
    name: 'away',
    actions: {
      hold: {
        input: z.object({}),
        output: z.object({ run: z.number() }),
        async do(_, { signal }) {
          const run = ++runs;
          assert.equal(++underWay, 1, 'another run of the step is under way');
          begun[run - 1]?.resolve();
          // The first run ends by its signal only.
          if (run === 1) await new Promise(resolve => signal.addEventListener('abort', resolve));
          stopped.push(signal.aborted ? signal.reason : null);
          underWay -= 1;
          return { run };
        },
        undo: () => {},
      },
    },
  });
  const channel = new HttpChannel({ url: way.url, token: TOKEN });
  const worker = new Worker({
    name: 'remote',
    channel,
    catalogue: openCatalogue({ builtin: [away], dirs: [] }),
    addresses: () => ['away'],
    now: () => Date.now(),
    leaseMs: 3_600_000,
  });
  try {
    const { msgid } = await client.submit({ plan: plan('away hold'), parameters: {} });
    await begun[0]?.promise;
    way.cut();
    await begun[1]?.promise;
    // The lease is an hour long, so only the session's end can have freed the message.
    const done = await client.waitFor(msgid, { timeoutMs: 180_000 });
    assert.deepEqual([done.status, done.parameters.run], ['done', 2]);
    assert.ok(isCoaxError(stopped[0], 'COAX_LEASE_LOST'));
    assert.equal(stopped[1], null);
    const { items } = await client.commits(msgid, { order: 'oldest' });
    assert.deepEqual(
      items.map(({ outcome }) => outcome),
      ['accepted', 'ok'],
    );
  } finally {
    await worker.drain(0);
    channel.close();
    way.close();
  }
});
