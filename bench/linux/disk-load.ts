import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** On a disk: what lies in memory alone is not counted. */
const DIR = join(import.meta.dirname, '../../tmp/disk-load');

/** A process that reads and writes a file past the cache, as it is told: see disk-load.py. */
export class DiskLoad implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.pid = child.pid!;
    this.#child = child;
    this.#ended = once(child, 'exit');
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(): Promise<DiskLoad> {
    mkdirSync(DIR, { recursive: true });
    const words = [join(import.meta.dirname, 'disk-load.py'), join(DIR, String(process.pid))];
    const load = new DiskLoad(spawn('python3', words, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await load.#hear('ready');
    return load;
  }

  /** `write MIB`, `read MIB`, `steady MIB_PER_S SECONDS`; resolves when that is done. */
  async tell(what: string): Promise<void> {
    this.#child.stdin!.write(`${what}\n`);
    await this.#hear('done');
  }

  async #hear(word: string): Promise<void> {
    const { value, done } = await this.#lines.next();
    if (done || value !== word) throw new Error(`the load of the disk said ${value}, not ${word}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#ended;
    rmSync(join(DIR, String(process.pid)), { force: true });
  }
}
