import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A line of Debian's iotop about one process. */
export interface IotopLine {
  /** In the time of one look, or since it was started when it adds up. KiB, or KiB/s. */
  readonly readKib: number;
  readonly writtenKib: number;
  /** Percent of the time; null where the kernel does not count it. */
  readonly ioDelay: number | null;
}

/** Its package puts it where only root looks. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

const LINE =
  /^\s*(\d+)\s+\S+\s+\S+\s+([\d.]+) K\S*\s+([\d.]+) K\S*\s+(?:[\d.]+ %\s+)?(?:([\d.]+) %|\?unavailable\?)/;

/** Runs iotop beside what is measured. As root. */
export class Iotop {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  /** `addsUp`: since it was started, in place of by look. */
  constructor(pid: number, { addsUp, delaySeconds }: { addsUp: boolean; delaySeconds: number }) {
    const words = ['-b', '-P', '-k', '-qqq', '-d', String(delaySeconds), '-p', String(pid)];
    this.#child = spawn('iotop', addsUp ? [...words, '-a'] : words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH, LC_ALL: 'C.UTF-8' },
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** The next line about the process. */
  async next(): Promise<IotopLine> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`iotop has ended: ${this.#stderr}`);
      const found = LINE.exec(value);
      if (found === null) continue;
      const [, , read, written, delay] = found;
      return {
        readKib: Number(read),
        writtenKib: Number(written),
        ioDelay: delay === undefined ? null : Number(delay),
      };
    }
  }

  close(): void {
    this.#child.kill();
  }
}
