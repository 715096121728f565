/** The serial line of a real guest on a host with an agent, through the server that the agent speaks to and through another. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { type Client, makeClient } from '../../src/client/client.ts';
import { qemuMissing } from '../../src/cloud/compute/qemu/missing.ts';
import { makePostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { Processes, until } from './process-fixture.ts';

const missing = qemuMissing();
const skip = missing.length > 0 ? `no real guests here: ${missing.join('; ')}` : false;

/** A person's terminal. */
class Terminal {
  text = '';
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, binary) => {
      if (binary) this.text += Buffer.from(data as ArrayBuffer).toString();
    });
    this.closed = new Promise(resolve =>
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  static async open(client: Client, vm: string): Promise<Terminal> {
    const socket = await client.serial(vm, { scrollback: 60_000 });
    const terminal = new Terminal(socket);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    return terminal;
  }

  type(text: string): void {
    this.#socket.send(text);
  }

  async sees(pattern: RegExp): Promise<void> {
    await until(`${pattern} in ${JSON.stringify(this.text.slice(-500))}`, () => pattern.test(this.text));
  }

  async leave(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}

test('a person types at a guest of a host with an agent, at either of two servers', { skip }, async () => {
  await using cluster = await disposable(makePostgresCluster());
  await cluster.value.createDatabase('coax');
  const store = { COAX_STORE: cluster.value.url('coax') };
  await using processes = new Processes();
  const cache = { COAX_CACHE: process.env.COAX_CACHE ?? join(process.env.HOME ?? '/root', '.cache/coax') };
  const [near, far] = await Promise.all(['near', 'far'].map(name => processes.server(name, [], store)));
  const { token: join1 } = await near!.client.joinToken({});
  const agentEnv = { ...cache };
  const agent = processes.coax(
    'h1',
    ['agent', '--join', near!.url, '--token', join1, '--name', 'h1', '--label', 'real=yes'],
    agentEnv,
  );
  await agent.says(/connected to/);
  const { msgid } = await far!.client.submit({
    flow: 'create_vm',
    parameters: { cpu: 1, mem: 128, name: 'web', labels: { real: 'yes' } },
  });
  try {
    const made = await far!.client.waitFor(msgid);
    assert.equal(made.status, 'done', JSON.stringify(made.error));

    for (const [where, { client }] of [
      ['here', near!],
      ['relayed', far!],
    ] as const) {
      assert.match((await client.console('web')).text, /coax-guest-ready name=web/, where);
      const terminal = await Terminal.open(client, 'web');
      await terminal.sees(/coax-guest-ready name=web/);
      terminal.type(`echo ${where}-$((6 * 7))\n`);
      await terminal.sees(new RegExp(`${where}-42\\r\\n`));
      await terminal.leave();
    }

    // Both at once: each sees what the other typed. A stop of the guest ends both.
    const [a, b] = await Promise.all([Terminal.open(near!.client, 'web'), Terminal.open(far!.client, 'web')]);
    b.type('echo from-$((1 + 1))\n');
    await Promise.all([a.sees(/from-2\r\n/), b.sees(/from-2\r\n/)]);
    const stopped = await near!.client.submit({ flow: 'stop_vm', parameters: { name: 'web' } });
    await near!.client.waitFor(stopped.msgid);
    assert.deepEqual(
      (await Promise.all([a.closed, b.closed])).map(({ code }) => code),
      [1000, 1000],
    );
    await assert.rejects(
      far!.client.serial('web').then(socket => closeOf(socket)),
      /has no serial line/,
    );
    assert.match((await far!.client.console('web')).text, /from-2/, 'a stopped guest has a past');

    // The agent is away: people are told.
    agent.signal('SIGTERM');
    await agent.ended;
    await until('it is told', () =>
      far!.client.serial('web').then(
        () => false,
        error => /h1 is not connected/.test(String(error.reason ?? error)),
      ),
    );
    assert.equal((await near!.client.console('web')).text, '');
  } finally {
    const again = processes.coax('h1', ['agent'], agentEnv);
    await again.says(/connected to/);
    const client = makeClient({ url: near!.url, token: near!.token });
    await client.revert(msgid, { reason: 'the test is over', force: true });
    await client.waitFor(msgid);
    client.close();
  }
});

/** Rejects with what the line said when it ended. */
async function closeOf(socket: WebSocket): Promise<never> {
  const { reason } = await new Terminal(socket).closed;
  throw new Error(reason);
}

async function disposable<T extends { close(): Promise<unknown> }>(made: Promise<T>) {
  const value = await made;
  return { value, [Symbol.asyncDispose]: async () => void (await value.close()) };
}
