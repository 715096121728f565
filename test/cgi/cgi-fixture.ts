import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Scripts that other servers serve, too. */
export const SCRIPTS = fileURLToPath(new URL('scripts', import.meta.url));

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** False when the connection was cut in the midst of it. */
  readonly whole: boolean;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
  /** Without a length before: chunked. */
  readonly chunked?: boolean;
  readonly signal?: AbortSignal;
  readonly onPiece?: (text: string) => void;
}

/** One request on a connection of its own, its target sent as it is given. */
export function ask(base: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const {
    method = options.body === undefined ? 'GET' : 'POST',
    headers = {},
    body,
    chunked,
    signal,
  } = options;
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method, headers, agent: false, ...(signal && { signal }) },
      got => {
        const pieces: Buffer[] = [];
        const end = (): void =>
          resolve({
            status: got.statusCode ?? 0,
            statusText: got.statusMessage ?? '',
            headers: got.headers,
            rawHeaders: got.rawHeaders,
            body: Buffer.concat(pieces).toString(),
            whole: got.complete,
          });
        got.on('data', (piece: Buffer) => {
          pieces.push(piece);
          options.onPiece?.(piece.toString());
        });
        got.on('end', end).on('error', end);
      },
    );
    sent.on('error', reject);
    if (body !== undefined && chunked)
      for (const part of [body.slice(0, 10), body.slice(10)]) sent.write(part);
    else if (body !== undefined) sent.setHeader('content-length', Buffer.byteLength(body)).write(body);
    sent.end();
  });
}

/** A server of its own that serves a folder of scripts, as `coax up --cgi-bin` starts it. */
export class CgiWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-cgi-'));
  readonly bin = join(this.dir, 'cgi-bin');
  readonly dataDir = join(this.dir, 'data');
  #server: ChildProcess | null = null;
  #url = '';
  log = '';

  constructor() {
    cpSync(SCRIPTS, this.bin, { recursive: true });
  }

  script(name: string, content: string, mode = 0o755): string {
    const file = join(this.bin, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  }

  shell(name: string, content: string): string {
    return this.script(name, `#!/bin/sh\n${content}\n`);
  }

  async start(...more: string[]): Promise<void> {
    const args = ['up', '--simulate', '--listen', '127.0.0.1:0', '--cgi-bin', this.bin, ...more];
    const server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: this.dir, COAX_DATA: this.dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server = server;
    for (const stream of [server.stdout, server.stderr]) stream.on('data', piece => (this.log += piece));
    const file = join(this.dataDir, 'server.json');
    while (!existsSync(file)) {
      if (server.exitCode !== null) throw new Error(`the server ended: ${this.log}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    while (this.#url === '') {
      try {
        this.#url = JSON.parse(readFileSync(file, 'utf8')).url;
      } catch {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
    }
  }

  get url(): string {
    return this.#url;
  }

  get token(): string {
    return readFileSync(join(this.dataDir, 'token'), 'utf8').trim();
  }

  /** Asks for `/cgi-bin/…` as the administrator. */
  ask(path: string, options: AskOptions = {}): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.token}`, ...options.headers };
    return ask(this.#url, `/cgi-bin/${path}`, { ...options, headers });
  }

  /** Waits until the server's log has it. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.log);
      if (found !== null) return found;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server !== null && server.exitCode === null) {
      const ended = new Promise(resolve => server.once('exit', resolve));
      server.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
