/** On PostgreSQL a host that a server or worker runs itself is down while none of its processes lives, and comes back with them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { it } from 'node:test';
import type { HostView } from '../../src/api/host.ts';
import { type Client, makeClient } from '../../src/client/client.ts';
import { qemuMissing } from '../../src/cloud/compute/qemu/missing.ts';
import { Processes, type Program, until } from '../system/process-fixture.ts';
import { postgresTests } from './fixture.ts';

const missing = qemuMissing();
const skip = missing.length > 0 ? `no real guests here: ${missing.join('; ')}` : false;
const HOST = hostname();

const { withDatabase } = postgresTests();

async function inState(client: Client, state: HostView['state']): Promise<HostView> {
  return until(`${HOST} is ${state}`, async () => {
    const host = (await client.hosts()).items.find(({ name }) => name === HOST);
    return host?.state === state && host;
  });
}

it(
  'a worker that dies takes its host down with it, by a message; the next one brings it back, guests compared',
  { skip },
  () =>
    withDatabase(async ({ url }) => {
      await using processes = new Processes();
      const env = { COAX_STORE: url };
      const server = processes.coax('server', ['up', '--role', 'server', '--listen', '127.0.0.1:0'], env);
      const at = await server.says(/^server +(http\S+)/m);
      const client = makeClient({
        url: at,
        token: readFileSync(processes.path('server/token'), 'utf8').trim(),
      });
      const work = async (data: string, ...args: string[]): Promise<Program> => {
        const worker = processes.coax(data, ['up', '--role', 'worker', ...args], env);
        await worker.says(/^worker/m);
        return worker;
      };
      try {
        // One that lives on does the steps of the server's messages. It is of this machine too, and stands for another.
        await work('other', '--simulate');
        const first = await work('worker');
        assert.equal((await inState(client, 'up')).reason, '');
        first.signal('SIGKILL');
        await first.ended;
        assert.match((await inState(client, 'down')).reason, /^no server or worker has served it since 2/);

        const second = await work('worker');
        await inState(client, 'up');
        const flows = (await client.messages({ limit: 50 })).items.map(({ flow, status }) => [flow, status]);
        assert.deepEqual(flows.toReversed(), [
          ['host_down', 'done'],
          ['return_host', 'done'],
        ]);
        // In order, so that it takes its guests' network with it.
        second.signal('SIGTERM');
        assert.equal(await second.ended, 0, second.output);
      } finally {
        client.close();
      }
    }),
);
