/** Two servers on one PostgreSQL, and all who speak to them know both: one dies or stops, and nobody has to do anything. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { AgentStatus } from '../../src/agent/agent-folder.ts';
import { type Client, makeClient } from '../../src/client/client.ts';
import { HttpChannel } from '../../src/client/http-channel.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { Processes, type Program, until } from '../system/process-fixture.ts';
import { postgresTests } from './fixture.ts';

const TOKEN = `coax_${'s'.repeat(43)}`;
/** Ends when the file is there; each run writes a line. */
const HOLD = `#!/bin/sh
echo run >> "$COAX_PARAM_DIR/runs"
while [ ! -e "$COAX_PARAM_DIR/go" ]; do sleep 0.05; done
echo '{}'
`;
const { withDatabase } = postgresTests();

/** The servers of a test, and a folder whose token opens all of them. */
class World implements AsyncDisposable {
  readonly processes = new Processes();
  readonly urls: string[] = [];
  readonly #env: Record<string, string>;
  readonly #servers = new Map<string, Program>();
  #client: Client | undefined;

  static async open(store: string, servers = 2): Promise<World> {
    const world = new World(store);
    for (let n = 0; n < servers; n++) {
      const url = `http://127.0.0.1:${await freePort()}`;
      world.urls.push(url);
      await world.start(url);
    }
    return world;
  }

  private constructor(store: string) {
    this.#env = { COAX_STORE: store };
    mkdirSync(this.processes.path('flows'));
    writeFileSync(
      this.processes.path('flows/hold.yaml'),
      'name: hold\nparameters: {dir: {type: string}}\nsteps: [slow hold]\n',
    );
    this.processes.action('modules', 'slow', 'hold', HOLD);
  }

  /** All addresses, as one gives them. */
  get list(): string {
    return this.urls.join();
  }

  /** Asks whoever answers. */
  get client(): Client {
    this.#client ??= makeClient({ url: this.list, token: TOKEN });
    return this.#client;
  }

  path(name: string): string {
    return this.processes.path(name);
  }

  server(url: string): Program {
    return this.#servers.get(url)!;
  }

  async start(url: string): Promise<void> {
    const data = `server-${new URL(url).port}`;
    mkdirSync(this.path(data), { recursive: true });
    writeFileSync(this.path(`${data}/token`), TOKEN, { mode: 0o600 });
    const args = ['up', '--simulate', '--listen', new URL(url).host, '--flows', this.path('flows')];
    const server = this.processes.coax(data, args, this.#env);
    this.#servers.set(url, server);
    await server.says(/^server +(http\S+)/m);
  }

  async kill(url: string): Promise<void> {
    this.server(url).signal('SIGKILL');
    await this.server(url).ended;
  }

  /** A command that knows all addresses, `first` before the others. */
  cli(first: string, ...args: string[]): Program {
    const list = [first, ...this.urls.filter(url => url !== first)].join();
    return this.processes.coax('person', args, { COAX_URL: list, COAX_TOKEN: TOKEN });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.close();
    await this.processes[Symbol.asyncDispose]();
  }
}

describe('several servers are known', () => {
  it('a server is killed, and then the other: agent, worker and whoever waits go on, and all messages end', () =>
    withDatabase(async ({ url: store }) => {
      await using world = await World.open(store);
      const { client } = world;
      const { token } = await client.joinToken({ host: 'far' });
      const join = ['--join', world.list, '--token', token, '--name', 'far', '--label', 'disk=ssd'];
      world.processes.coax('far', ['agent', ...join, '--simulate']);
      const status = (): AgentStatus | null => {
        const file = world.path('far/agent/status.json');
        return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as AgentStatus) : null;
      };
      const worker = world.cli(world.urls[0]!, 'worker', '-m', world.path('modules'), '--name', 'remote');
      await until('the agent is connected', () => status()?.connected);
      await until('the worker is known', async () =>
        (await client.workers()).items.some(
          ({ name, addresses }) => name === 'remote' && addresses.length > 0,
        ),
      );

      for (const round of [1, 2]) {
        const asked = status()!.url;
        const other = world.urls.find(url => url !== asked)!;
        const dir = world.path(`round-${round}`);
        mkdirSync(dir);
        const vm = (name: string): Program =>
          world.cli(
            asked,
            'run',
            'create_vm',
            'cpu=1',
            'mem=128',
            `name=${name}`,
            'labels={"disk":"ssd"}',
            '--wait',
          );
        const held = world.cli(asked, 'run', 'hold', `dir=${dir}`, '--wait');
        await until('the step is under way', () => existsSync(`${dir}/runs`));
        const early = [1, 2, 3].map(n => vm(`early-${round}-${n}`));
        await early[0]!.says(/accepted/);
        await world.kill(asked);
        const late = vm(`late-${round}`);
        for (const program of [...early, late]) {
          assert.equal(await program.ended, 0, program.output);
          assert.match(program.output, /compute create_vm +ok .* agent\/far[\s\S]*^done: create_vm/m);
        }
        writeFileSync(`${dir}/go`, '');
        assert.equal(await held.ended, 0, held.output);
        assert.match(held.output, /^done: hold/m);
        await until('the agent says which server it asks now', () => {
          const now = status();
          return now?.connected && now.url === other;
        });
        const doctor = world.cli(asked, 'doctor');
        assert.equal(await doctor.ended, 0, doctor.output);
        assert.match(doctor.output, new RegExp(`✘ +server ${asked} +no server answers there`));
        assert.match(doctor.output, new RegExp(`✔ +server ${other} +takes work`));
        await world.start(asked);
      }
      assert.equal((await client.vms()).items.length, 8);
      assert.equal((await client.hosts()).items.find(({ name }) => name === 'far')?.state, 'up');
      assert.equal((await client.fsck()).ok, true);
      worker.signal('SIGTERM');
      assert.equal(await worker.ended, 0, worker.output);
    }));

  it('a server that stops in order leaves a worker its step, which goes on at the other server', () =>
    withDatabase(async ({ url: store }) => {
      await using world = await World.open(store);
      const { client, urls } = world;
      for (const name of ['one', 'two'])
        world.cli(urls[0]!, 'worker', '-m', world.path('modules'), '--name', name);
      await until('the workers are known', async () => {
        const { items } = await client.workers();
        return items.filter(({ role, addresses }) => role === 'http' && addresses.length > 0).length === 2;
      });
      const dir = world.path('step');
      mkdirSync(dir);
      const { msgid } = await client.submit({ flow: 'hold', parameters: { dir } });
      await until('the step is under way', () => existsSync(`${dir}/runs`));
      for (const url of urls) {
        world.server(url).signal('SIGTERM');
        assert.equal(await world.server(url).ended, 0, world.server(url).output);
        await world.start(url);
      }
      writeFileSync(`${dir}/go`, '');
      const message = await client.waitFor(msgid, { timeoutMs: 180_000 });
      assert.equal(message.status, 'done');
      assert.equal(readFileSync(`${dir}/runs`, 'utf8'), 'run\n');
      const { items } = await client.commits(msgid, { order: 'oldest' });
      assert.deepEqual(
        items.map(({ outcome }) => outcome),
        ['accepted', 'ok'],
      );
    }));

  it('a session that is over at one server takes nothing from a worker that has one with another', () =>
    withDatabase(async ({ url: store }) => {
      await using world = await World.open(store);
      const { client, urls } = world;
      const [a, b] = urls.map(url => new HttpChannel({ url, token: TOKEN })) as [HttpChannel, HttpChannel];
      const nearA = makeClient({ url: urls[0]!, token: TOKEN });
      const wish = { worker: 'moves', addresses: ['slow'], limit: 1, leaseMs: 3_600_000, waitMs: 20_000 };
      const teller = async (): Promise<string | undefined> =>
        (await nearA.workers()).items.find(({ name }) => name === 'moves')?.process;
      try {
        assert.deepEqual(await a.claim({ ...wish, waitMs: 0 }), []);
        const first = await until('it is known at the first server', teller);
        const { msgid } = await client.submit({ flow: 'hold', parameters: { dir: '/' } });
        const [claim] = await b.claim(wish);
        assert.equal(claim?.msgid, msgid);
        a.close();
        await until('the first server has seen the end', async () => {
          const now = await teller();
          return now !== undefined && now !== first;
        });
        for (let again = 0; again < 20; again++)
          assert.deepEqual(await b.extend([claim!], wish.leaseMs), ['held'], `at the look ${again}`);
      } finally {
        nearA.close();
        for (const channel of [a, b]) channel.close();
      }
    }));

  it('when no server answers, a command names all of them', async () => {
    await using processes = new Processes();
    const COAX_URL = 'http://127.0.0.1:1,http://127.0.0.1:2';
    const program = processes.coax('person', ['ls'], { COAX_URL, COAX_TOKEN: TOKEN });
    assert.equal(await program.ended, 6);
    for (const url of COAX_URL.split(','))
      assert.ok(program.output.includes(`at  ${url}: no server answers`));
    assert.match(program.output, /none of the 2 servers/);
  });
});
