import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { CoaxClient } from '../../src/client/client.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { Processes, type Program, until } from '../system/process-fixture.ts';
import type { LedgerRow, Run } from './checker.ts';

const STEP = new URL('./step.sh', import.meta.url).pathname;
const RETRY = 'retry: {attempts: 60, backoff: 20ms, backoffMax: 200ms}';
const step = (action: string): string => `{do: shake ${action}, timeout: 20s, ${RETRY}}`;
/** Plain, in branches, and over a list; `refused` fails at its end, so everything is undone. */
const FLOWS = {
  plain: `steps: [${step('a')}, ${step('b')}, ${step('a')}]`,
  shaken: `steps: [${step('a')}, {all: [[${step('a')}], {name: side, steps: [${step('b')}]}]}, ${step('b')}]`,
  refused: `steps: [${step('a')}, {each: items, as: item, limit: 2, steps: [${step('a')}]}, ${step('refuse')}]`,
};
export const FLOW_NAMES = Object.keys(FLOWS);

/** One for all servers, so that a client may go from one to the next. */
const TOKEN = `coax_${'chaos'.repeat(8)}`;

/** Short, so that a process that is stopped for longer is fenced; far longer than any step. */
export const LEASE_MS = 2000;
const AGAIN_MS = 200;

/** A process with a service manager: whenever it ends it is started again, on the same port. */
export class Member {
  readonly name: string;
  readonly #start: () => Program;
  #program: Program | null = null;
  #wanted = true;
  #log = '';

  constructor(name: string, start: () => Program) {
    this.name = name;
    this.#start = start;
  }

  start(): void {
    const program = this.#start();
    this.#program = program;
    void program.ended.then(async how => {
      this.#log = `${this.output}\n(it ended: ${how})\n`.slice(-4000);
      await sleep(AGAIN_MS);
      if (this.#wanted) this.start();
    });
  }

  get output(): string {
    return this.#log + (this.#program?.output ?? '');
  }

  signal(signal: NodeJS.Signals): void {
    this.#program?.signal(signal);
  }

  async end(): Promise<void> {
    this.#wanted = false;
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await this.#program?.ended;
  }
}

/** Servers and workers as processes of their own on one database, and the folder where the steps leave their traces. */
export class Installation {
  readonly #processes = new Processes();
  readonly #database: string;
  readonly servers: Member[] = [];
  readonly workers: Member[] = [];
  readonly clients: CoaxClient[] = [];

  /** `storeUrlOf`: what each process is told; `database`: for the test itself, at the end. */
  static async open(
    storeUrlOf: (name: string) => string,
    database: string,
    servers: number,
    workers: number,
  ): Promise<Installation> {
    const made = new Installation(database);
    const env = (name: string) => ({ COAX_STORE: storeUrlOf(name) });
    for (let n = 0; n < servers; n++) await made.#addServer(`s${n}`, env(`s${n}`));
    for (let n = 0; n < workers; n++) made.#addWorker(`w${n}`, n, env(`w${n}`));
    for (const member of [...made.servers, ...made.workers]) member.start();
    try {
      await made.up();
      return made;
    } catch (error) {
      const log = made.log();
      await made[Symbol.asyncDispose]();
      throw new Error(`${error}\n${log}`, { cause: error });
    }
  }

  /** Resolves when every server answers. */
  async up(): Promise<void> {
    for (const client of this.clients)
      await until('every server answers', () => client.counts().catch(() => null));
  }

  private constructor(database: string) {
    this.#database = database;
    for (const folder of ['effects', 'fences', 'flows']) mkdirSync(this.path(folder));
    for (const action of ['a', 'b', 'refuse'])
      this.#processes.action('modules', 'shake', action, readFileSync(STEP, 'utf8'));
    writeFileSync(this.path('runs'), '');
    for (const [name, steps] of Object.entries(FLOWS)) {
      const parameters =
        'parameters: {dir: {type: string}, name: {type: string}, items: {type: array, default: [1, 2, 3]}}';
      writeFileSync(this.path(`flows/${name}.yaml`), `name: ${name}\n${parameters}\n${steps}\n`);
    }
  }

  get dir(): string {
    return this.#processes.dir;
  }

  path(name: string): string {
    return this.#processes.path(name);
  }

  async #addServer(name: string, env: Record<string, string>): Promise<void> {
    const port = await freePort();
    const args = ['up', '--role', 'server', '--simulate', '--listen', `127.0.0.1:${port}`];
    const more = ['--flows', this.path('flows'), '--modules', this.path('modules')];
    this.servers.push(new Member(name, () => this.#processes.coax(name, [...args, ...more], env)));
    mkdirSync(this.path(name));
    writeFileSync(this.path(`${name}/token`), TOKEN, { mode: 0o600 });
    this.clients.push(new CoaxClient({ url: `http://127.0.0.1:${port}`, token: TOKEN }));
  }

  /** Every third speaks to a server over HTTP, the others to the store. */
  #addWorker(name: string, n: number, env: Record<string, string>): void {
    const common = ['--modules', this.path('modules'), '--lease', `${LEASE_MS}ms`];
    const overHttp = n % 3 === 2;
    this.workers.push(
      new Member(name, () => {
        if (!overHttp)
          return this.#processes.coax(name, ['up', '--role', 'worker', '--simulate', ...common], env);
        // Any of the servers may die: it knows them all.
        const url = this.clients.map(client => client.url).join();
        return this.#processes.coax(name, ['worker', '--name', name, ...common], {
          COAX_URL: url,
          COAX_TOKEN: TOKEN,
        });
      }),
    );
  }

  /** Rows of the ledger as the database holds them, by whoever answers at the database's address. */
  async ledger(): Promise<LedgerRow[]> {
    const client = new pg.Client({ connectionString: this.#database });
    await client.connect();
    try {
      const { rows } = await client.query('SELECT msgid, seq, pos, id, body FROM commits');
      return rows.map(({ msgid, seq, pos, id, body }) => {
        const { parent, outcome, started, log, error } = JSON.parse(body);
        const run = /^run (\S+)/m.exec(log ?? error?.log ?? '')?.[1] ?? null;
        return { msgid: Number(msgid), seq, pos: Number(pos), id, parent, outcome, started, run };
      });
    } finally {
      await client.end();
    }
  }

  runs(): Run[] {
    const runs = new Map<string, Run>();
    for (const line of readFileSync(this.path('runs'), 'utf8').trim().split('\n')) {
      const [what, run, msgid, key, at] = line.split(' ');
      if (run === undefined || key === undefined) continue;
      const before = runs.get(run);
      if (what === 'began') runs.set(run, { run, msgid: Number(msgid), key, began: Number(at), ended: null });
      else if (before !== undefined) runs.set(run, { ...before, ended: Number(at) });
    }
    return [...runs.values()];
  }

  effects(): string[] {
    return readdirSync(this.path('effects'));
  }

  /** The last words of every process. */
  log(): string {
    return [...this.servers, ...this.workers]
      .map(({ name, output }) => `--- ${name}\n${output.slice(-1500)}`)
      .join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.close();
    await Promise.all([...this.servers, ...this.workers].map(member => member.end()));
    await this.#processes[Symbol.asyncDispose]();
  }
}
