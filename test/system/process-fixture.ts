import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVER_FLAGS } from '../../bench/child/server-flags.ts';
import { type Client, makeClient } from '../../src/client/client.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const WITHIN_MS = 180_000;

/** Resolves when `holds` gives something; throws after three minutes. */
export async function until<T>(
  what: string,
  holds: () => Promise<T | false | null | undefined> | T | false | null | undefined,
): Promise<T> {
  const began = performance.now();
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (performance.now() - began > WITHIN_MS) throw new Error(`not within three minutes: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** A program that a test started, with what it says. */
export class Program {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly ended: Promise<number | string>;
  output = '';

  constructor(program: string, args: readonly string[], env: Record<string, string>, cwd: string) {
    this.#child = spawn(program, args, {
      cwd,
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', text => {
        this.output += text;
      });
    this.ended = new Promise(resolve => {
      this.#child.once('exit', async (code, signal) => {
        await this.#read();
        resolve(code ?? signal ?? 'unknown');
      });
    });
    this.pid = this.#child.pid ?? -1;
  }

  /**
   * Its last words may be read after its end is told. They lie ready by then; the end of its output is not waited for, since processes that
   * it began may hold it.
   */
  async #read(): Promise<void> {
    for (let before = -1; before !== this.output.length; ) {
      before = this.output.length;
      for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve));
    }
  }

  /** What the first group of the pattern matched in its output, once it has. */
  async says(pattern: RegExp): Promise<string> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    return until(`${pattern} in the output of ${this.pid}`, () => {
      const found = pattern.exec(this.output);
      if (found === null && isOver) throw new Error(`it ended, and said only: ${this.output}`);
      return found?.[1] ?? found?.[0];
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** A folder, and the processes of Coax and others that a test starts in it; all end with it. */
export class Processes {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-processes-'));
  readonly #programs: Program[] = [];
  readonly #clients: Client[] = [];

  start(program: string, args: readonly string[], env: Record<string, string> = {}): Program {
    const started = new Program(program, args, { HOME: this.dir, ...env }, this.dir);
    this.#programs.push(started);
    return started;
  }

  /** `coax ARGS`, with a data directory of that name. */
  coax(data: string, args: readonly string[], env: Record<string, string> = {}): Program {
    const flags = [...SERVER_FLAGS, MAIN, ...args];
    return this.start(process.execPath, flags, { COAX_DATA: join(this.dir, data), NO_COLOR: '1', ...env });
  }

  /** `coax up` on any free port, once it answers. */
  async server(
    data: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<{ program: Program; url: string; token: string; client: Client }> {
    const program = this.coax(data, ['up', '--simulate', '--listen', '127.0.0.1:0', ...args], env);
    const url = await program.says(/^server +(http\S+)/m);
    const token = readFileSync(join(this.dir, data, 'token'), 'utf8').trim();
    const client = makeClient({ url, token });
    this.#clients.push(client);
    return { program, url, token, client };
  }

  /** An executable of a module. */
  action(folder: string, module: string, name: string, script: string): void {
    mkdirSync(join(this.dir, folder, module), { recursive: true });
    writeFileSync(join(this.dir, folder, module, name), script, { mode: 0o755 });
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const program of this.#programs) {
      program.signal('SIGCONT');
      program.signal('SIGKILL');
    }
    await Promise.all(this.#programs.map(({ ended }) => ended));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
