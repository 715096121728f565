import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxClient } from '../../src/client/client.ts';

const COAX = new URL('../../bin/coax', import.meta.url).pathname;
const STEP = new URL('./step.sh', import.meta.url).pathname;
const START_MS = 180_000;

const RETRY = 'retry: {attempts: 40, backoff: 20ms, backoffMax: 100ms}';
const step = (action: string): string => `{do: shake ${action}, timeout: 20s, ${RETRY}}`;

/** Steps alone, in branches, and one list of each; `refused` fails at its end, so everything is undone. */
const FLOWS = {
  shaken: `steps: [${step('a')}, {all: [[${step('a')}, ${step('b')}], {name: side, steps: [${step('b')}]}]}, ${step('b')}]`,
  refused: `steps: [${step('a')}, {each: items, as: item, limit: 2, steps: [${step('a')}]}, ${step('b')}, ${step('refuse')}]`,
};

/** A data directory with a server that is killed and started again, and steps that are executables. */
export class Installation {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-crash-'));
  #server: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #log = '';
  readonly #simulate: boolean;

  /** `simulate`: with the simulated hypervisor, so that a life costs little. */
  constructor(simulate = true) {
    this.#simulate = simulate;
    for (const folder of ['data', 'effects', 'locks', 'flows', 'modules/shake'])
      mkdirSync(join(this.dir, folder), { recursive: true });
    for (const action of ['a', 'b', 'refuse']) {
      const file = join(this.dir, 'modules/shake', action);
      copyFileSync(STEP, file);
      chmodSync(file, 0o755);
    }
    for (const [name, steps] of Object.entries(FLOWS)) {
      const parameters = 'parameters: {dir: {type: string}, items: {type: array, default: [1, 2, 3]}}';
      writeFileSync(join(this.dir, 'flows', `${name}.yaml`), `name: ${name}\n${parameters}\n${steps}\n`);
    }
  }

  get dataDir(): string {
    return join(this.dir, 'data');
  }

  get log(): string {
    return this.#log;
  }

  get isUp(): boolean {
    return this.#server !== null && this.#server.exitCode === null && this.#server.signalCode === null;
  }

  /** Starts the server; null when it ended before it answered. */
  async start(crashAt?: string): Promise<CoaxClient | null> {
    const data = this.dataDir;
    const { COAX_URL: _, ...env } = process.env;
    const server = spawn(
      COAX,
      [
        'up',
        ...(this.#simulate ? ['--simulate'] : []),
        '--data',
        data,
        '--listen',
        '127.0.0.1:0',
        '--modules',
        join(this.dir, 'modules'),
        '--flows',
        join(this.dir, 'flows'),
      ],
      {
        env: { ...env, ...(crashAt !== undefined && { COAX_CRASH_AT: crashAt }) },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#server = server;
    this.#ended = new Promise(resolve => server.once('close', resolve));
    const note = (chunk: Buffer): void => {
      this.#log = `${this.#log}${chunk}`.slice(-20_000);
    };
    server.stdout.on('data', note);
    server.stderr.on('data', note);
    for (const until = Date.now() + START_MS; Date.now() < until; ) {
      const url = this.#urlOf(server.pid);
      if (url !== null)
        return new CoaxClient({ url, token: readFileSync(join(data, 'token'), 'utf8').trim() });
      if (!this.isUp) return null;
      await sleep(20);
    }
    throw new Error(`the server did not start: ${this.#log}`);
  }

  #urlOf(pid: number | undefined): string | null {
    const file = join(this.dir, 'data/server.json');
    if (!existsSync(file)) return null;
    const known = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string };
    return known.pid === pid ? known.url : null;
  }

  /** SIGKILL, unless it is dead already; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.isUp) this.#server?.kill('SIGKILL');
    await this.#ended;
  }

  /** One call of the command line for this data directory: its exit status and all that it wrote. */
  coax(...args: string[]): Promise<{ status: number | null; text: string }> {
    const { COAX_URL: _, ...env } = process.env;
    const called = spawn(COAX, ['--data', this.dataDir, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [called.stdout, called.stderr])
      stream.on('data', chunk => {
        text += chunk;
      });
    return new Promise(resolve => called.once('close', status => resolve({ status, text })));
  }

  /** Resolves when the server has ended by itself, or after that time. */
  async ended(ms: number): Promise<void> {
    await Promise.race([this.#ended, sleep(ms, undefined, { ref: false })]);
  }

  async stop(): Promise<void> {
    this.#server?.kill('SIGTERM');
    await this.#ended;
  }

  /** The next undo kills the server. */
  armUndo(): void {
    writeFileSync(join(this.dir, 'fuse'), '');
  }

  disarm(): void {
    rmSync(join(this.dir, 'fuse'), { force: true });
  }

  effects(): string[] {
    return readdirSync(join(this.dir, 'effects'));
  }

  violations(): string {
    const file = join(this.dir, 'violations');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Processes that have to do with this installation. */
  processes(): string[] {
    return readdirSync('/proc').flatMap(pid => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(this.dir) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
