import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { localLines } from './guest-line.ts';
import { HostEnd } from './host-end.ts';
import type { LineSource } from './serial-line.ts';
import { ServerEnd } from './server-end.ts';
import { type SerialNews, SharedLines, type Watcher } from './shared-line.ts';

/** A serial line such as QEMU's: a Unix socket that serves one client at a time. */
async function openLine() {
  const dir = mkdtempSync(join(tmpdir(), 'coax-serial-'));
  const path = join(dir, 'serial.sock');
  const clients: Socket[] = [];
  const server = createServer(socket => {
    socket.on('error', () => {});
    clients.push(socket);
  }).listen(path);
  await once(server, 'listening');
  return {
    source: localLines({
      serialSocket: async uuid => (uuid === 'stopped' ? null : path),
      consoleTail: async (_uuid, bytes) => 'what was before\n'.slice(-bytes),
    }),
    /** The clients that there were. */
    clients,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await new Promise(resolve => server.close(resolve));
      rmSync(dir, { recursive: true });
    },
  };
}

/** The same lines, through the connection of an agent. */
function relayed(source: LineSource): { source: LineSource; cut(): void } {
  const server: ServerEnd = new ServerEnd('h1', {
    send: frame => setImmediate(() => host.receive(frame)),
    buffered: () => 0,
  });
  const host = new HostEnd(
    { send: frame => setImmediate(() => server.receive(frame)), buffered: () => 0 },
    source,
  );
  return {
    source: server,
    cut() {
      server.close('the agent is away');
      host.close();
    },
  };
}

class Screen implements Watcher {
  text = '';
  readonly news: SerialNews[] = [];
  ended: string | null = null;
  /** Set: nothing is taken until it is called. */
  held: (() => void) | null = null;
  slow = false;
  send(bytes: Buffer, sent: () => void): void {
    this.text += bytes.toString('latin1');
    if (this.slow) this.held = sent;
    else setImmediate(sent);
  }
  tell(news: SerialNews): void {
    this.news.push(news);
  }
  end(reason: string): void {
    this.ended = reason;
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const began = performance.now(); !holds(); )
    if (performance.now() - began > 120_000) throw new Error(`not within two minutes: ${holds}`);
    else await new Promise(resolve => setTimeout(resolve, 2));
}

for (const way of ['here', 'through an agent'] as const) {
  test(`several watch one line ${way}: it is opened once, each types, the last closes it`, async () => {
    await using line = await openLine();
    const source = way === 'here' ? line.source : relayed(line.source).source;
    const lines = new SharedLines();
    const [a, b] = [new Screen(), new Screen()];
    const first = await lines.attach('u', source, a, 7);
    await until(() => line.clients.length === 1);
    const guest = line.clients[0]!;
    guest.write('login: ');
    await until(() => a.text === 'before\nlogin: ');
    const second = await lines.attach('u', source, b, 1000);
    await until(() => b.text === 'what was before\nlogin: ');
    assert.equal(second.watchers, 2);
    assert.deepEqual(a.news, [{ type: 'watchers', watchers: 2 }]);
    let typed = '';
    guest.on('data', data => {
      typed += data;
      guest.write(`[${data}]`);
    });
    first.write(Buffer.from('root'));
    await until(() => typed === 'root');
    second.write(Buffer.from('\n'));
    await until(() => a.text.endsWith('[root][\n]') && b.text.endsWith('[root][\n]'));
    first.leave();
    assert.deepEqual(b.news, [{ type: 'watchers', watchers: 1 }]);
    assert.equal(guest.readableEnded, false);
    second.leave();
    await once(guest, 'close');
    assert.equal(line.clients.length, 1);

    // Opened anew by whoever comes next; it ends with the guest.
    const c = new Screen();
    await lines.attach('u', source, c, 0);
    await until(() => line.clients.length === 2);
    line.clients[1]!.destroy();
    await until(() => c.ended !== null);
    assert.match(c.ended!, /the serial line ended|is gone/);
    await assert.rejects(lines.attach('stopped', source, c, 0), { code: 'COAX_HYPERVISOR' });
  });
}

test('who reads slowly misses bytes and is told how many; others miss none', async () => {
  await using line = await openLine();
  const lines = new SharedLines();
  const [slow, quick] = [new Screen(), new Screen()];
  slow.slow = true;
  await lines.attach('u', line.source, slow, 0);
  await lines.attach('u', line.source, quick, 0);
  await until(() => line.clients.length === 1);
  line.clients[0]!.write('first ');
  await until(() => slow.held !== null);
  const flood = Buffer.alloc(1_000_000, 'flood ').toString();
  line.clients[0]!.write(`${flood}end`);
  await until(() => quick.text.endsWith('end'));
  assert.ok(quick.text === `first ${flood}end`, `${quick.text.length} bytes`);
  slow.slow = false;
  slow.held!();
  await until(() => slow.text.endsWith('end'));
  const skipped = slow.news.find(({ type }) => type === 'skipped');
  assert.ok(skipped?.type === 'skipped');
  assert.equal(slow.text.length + skipped.bytes, quick.text.length);
});

test('a guest that does not read overruns: what it cannot take is dropped and told, not kept in memory', async () => {
  await using line = await openLine();
  const lines = new SharedLines();
  const screen = new Screen();
  const held = await lines.attach('u', line.source, screen, 0);
  await until(() => line.clients.length === 1);
  line.clients[0]!.pause();
  for (let n = 0; n < 100; n++) held.write(Buffer.alloc(64 * 1024));
  await until(() => screen.news.some(({ type }) => type === 'overrun'));
});

test('the past is read through an agent; when its connection breaks, its lines end and say so', async () => {
  await using line = await openLine();
  const far = relayed(line.source);
  assert.equal(await far.source.tail('u', 7), 'before\n');
  const screen = new Screen();
  await new SharedLines().attach('u', far.source, screen, 0);
  await until(() => line.clients.length === 1);
  far.cut();
  assert.equal(screen.ended, 'the agent is away');
  await once(line.clients[0]!.resume(), 'close');
});
