import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
const COMMAND_MS = 120_000;

/** A command of a page, and the lines that the page shows as its answer; `…` in them stands for any text. */
export interface ShownCommand {
  readonly line: number;
  readonly command: string;
  readonly answer: readonly string[];
}

/** The commands of all blocks marked `console`: `$ ` begins one, `> ` goes on with it, other lines are the answer. */
export function commandsOf(markdown: string): ShownCommand[] {
  const found: { line: number; command: string; answer: string[] }[] = [];
  let inside = false;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (line.startsWith('```')) inside = line === '```console';
    else if (!inside) continue;
    else if (line.startsWith('$ ')) found.push({ line: index + 1, command: line.slice(2), answer: [] });
    else if (line.startsWith('> ') || line === '>') found.at(-1)!.command += `\n${line.slice(2)}`;
    else if (line.trim() !== '') found.at(-1)!.answer.push(line);
  }
  return found;
}

/** One bash in which a page is tried: `coax` is found, the data directory is new, the server takes any free port. */
export class Console {
  readonly #dir = mkdtempSync(join(tmpdir(), 'coax-docs-'));
  readonly #bash: ChildProcess;
  #heard = '';
  #wake: () => void = () => {};

  constructor() {
    // A checkout of its own, as far as the page can tell: what it writes lies beside nobody else's.
    const checkout = join(this.#dir, 'coax');
    mkdirSync(checkout);
    for (const name of readdirSync(ROOT))
      if (name !== 'tmp') symlinkSync(join(ROOT, name), join(checkout, name));
    this.#bash = spawn('bash', ['--noprofile', '--norc'], {
      cwd: checkout,
      detached: true,
      env: {
        PATH: `${join(checkout, 'bin')}:${process.env.PATH}`,
        HOME: this.#dir,
        XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? '/root', '.cache'),
        TMPDIR: this.#dir,
        LC_ALL: 'C.UTF-8',
        COAX_DATA: join(this.#dir, 'data'),
        COAX_LISTEN: '127.0.0.1:0',
        GIT_CONFIG_NOSYSTEM: '1',
      },
    });
    this.#bash.once('exit', () => this.#wake());
    this.#bash.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#heard += text;
      this.#wake();
    });
    // One pipe: by two, what was written first may be read last, even after the end of the command.
    this.#bash.stdin!.write('exec 2>&1\n');
  }

  /** Runs a command; gives what it printed on both streams, and its exit status. */
  async run(command: string): Promise<{ text: string; status: number }> {
    const mark = `--${Math.random()}--`;
    this.#heard = '';
    this.#bash.stdin!.write(`${command}\nSTATUS=$?; echo; echo "${mark} $STATUS"\n`);
    const timer = setTimeout(() => this.#bash.kill('SIGKILL'), COMMAND_MS);
    const end = new RegExp(`\\n${mark} (\\d+)\\n`);
    for (;;) {
      const found = end.exec(this.#heard);
      if (found !== null) {
        clearTimeout(timer);
        return { text: this.#heard.slice(0, found.index), status: Number(found[1]) };
      }
      assert.equal(
        this.#bash.exitCode ?? this.#bash.signalCode,
        null,
        `bash ended in: ${command}\n${this.#heard}`,
      );
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends the server with its VMs, and whatever else was left running. */
  async close(): Promise<void> {
    if (existsSync(join(this.#dir, 'data/server.json'))) await this.run('cd /; coax down --purge');
    const ended = new Promise(resolve => this.#bash.once('close', resolve));
    process.kill(-this.#bash.pid!, 'SIGKILL');
    await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Runs every command of a page, in order; what the page shows must be printed, in that order. */
export async function tryPage(path: string): Promise<number> {
  const commands = commandsOf(readFileSync(join(ROOT, path), 'utf8'));
  const console = new Console();
  try {
    for (const shown of commands) {
      const { text, status } = await console.run(shown.command);
      const missing = firstMissing(shown.answer, text);
      const told = `${path}:${shown.line}\n$ ${shown.command}\n${text}(status ${status})`;
      assert.equal(missing, undefined, `not printed: ${missing}\n${told}`);
      if (shown.answer.length === 0) assert.equal(status, 0, told);
    }
  } finally {
    await console.close();
  }
  return commands.length;
}

/** The first line shown that is not printed after those before it. */
export function firstMissing(answer: readonly string[], text: string): string | undefined {
  const lines = text.split('\n');
  let from = 0;
  for (const line of answer) {
    const pattern = new RegExp(`^${line.trim().split('…').map(escaped).join('.*')}$`);
    const at = lines.findIndex((printed, index) => index >= from && pattern.test(printed.trim()));
    if (at < 0 && line.trim() !== '…') return line;
    from = Math.max(from, at + 1);
  }
  return undefined;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
