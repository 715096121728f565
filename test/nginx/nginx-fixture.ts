import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CoaxClient } from '../../src/client/client.ts';
import { exec, findProgram } from '../../src/linux/process/exec.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { SCRIPTS } from '../cgi/cgi-fixture.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src/cli/main.ts');
const SHIPPED = join(ROOT, 'packaging/nginx/coax.conf');

const FLOWS = {
  'note.yaml': 'name: note\nparameters: {n: {type: integer}}\nsteps:\n  - {do: lab note, timeout: 60s}\n',
  'long.yaml': `name: long\nsteps:\n${'  - {do: lab pause, timeout: 60s, retry: {attempts: 9}}\n'.repeat(30)}`,
};
const STEPS = { note: '#!/bin/sh\necho {}\n', pause: '#!/bin/sh\nsleep 0.4\necho {}\n' };

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
  /** The client's own address. */
  readonly from?: string;
}

/** One server of Coax, as a process of its own, on the common database. */
export class Server {
  readonly port: number;
  readonly dataDir: string;
  readonly #start: () => ChildProcess;
  #process: ChildProcess | null = null;

  constructor(port: number, dataDir: string, start: () => ChildProcess) {
    this.port = port;
    this.dataDir = dataDir;
    this.#start = start;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const started = this.#start();
    this.#process = started;
    for (;;) {
      if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}`);
      if ((await ask(`${this.url}/readyz`).catch(() => null))?.status === 200) return;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    const running = this.#process;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return null;
    const ended = new Promise<number | null>(resolve => running.once('exit', resolve));
    running.kill(signal);
    return ended;
  }
}

/** One request; over TLS the certificate is not looked at. */
export function ask(url: string, { method, headers = {}, body, agent, from }: Ask = {}): Promise<Answer> {
  const secure = url.startsWith('https:');
  const options = {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: body === undefined ? headers : { 'content-length': String(Buffer.byteLength(body)), ...headers },
    rejectUnauthorized: false,
    agent: agent ?? (false as const),
    ...(from !== undefined && { localAddress: from }),
  };
  return new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(url, options, got => {
      const pieces: Buffer[] = [];
      got.on('data', (piece: Buffer) => pieces.push(piece));
      got.on('error', reject);
      got.on('end', () =>
        resolve({
          status: got.statusCode ?? 0,
          headers: got.headers,
          body: Buffer.concat(pieces).toString(),
        }),
      );
    });
    sent.on('error', reject);
    // An answer may come before all was sent.
    sent.end(body);
  });
}

/** Two servers on one PostgreSQL, and the real nginx before them with the configuration that is shipped. */
export class NginxWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-nginx-'));
  readonly token = `coax_${'t'.repeat(40)}`;
  readonly servers: Server[] = [];
  #cluster: PostgresCluster | null = null;
  #nginx: ChildProcess | null = null;
  #port = 0;

  async open(): Promise<void> {
    if (findProgram('nginx') === null) throw new Error('nginx is missing: apt-get install nginx');
    this.#cluster = await makePostgresCluster();
    await this.#cluster.createDatabase('coax');
    this.#port = await freePort();
    this.#write('flows', FLOWS);
    this.#write('modules/lab', STEPS, 0o755);
    cpSync(SCRIPTS, join(this.dir, 'cgi'), { recursive: true });
    writeFileSync(join(this.dir, 'cgi/cgi.yaml'), 'scripts: {variables.pl: {needs: anyone}}\n');
    for (const name of ['a', 'b']) this.servers.push(this.#server(name, await freePort()));
    // One after the other: the first makes the tables.
    for (const server of this.servers) await server.start();
    const end = await exec('openssl', [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'.split(
        ' ',
      ),
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', join(this.dir, 'key.pem'), '-out', join(this.dir, 'cert.pem')],
    ]);
    if (end.code !== 0) throw new Error(end.stderr);
    await this.startNginx();
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get cert(): string {
    return readFileSync(join(this.dir, 'cert.pem'), 'utf8');
  }

  client(): CoaxClient {
    return new CoaxClient({ url: this.url, token: this.token, ca: join(this.dir, 'cert.pem') });
  }

  ask(path: string, options: Ask = {}): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    };
    return ask(this.url + path, { ...options, headers });
  }

  /** Starts nginx anew. `rate`: requests a second of one address, instead of those of the shipped configuration. */
  async startNginx(rate?: number): Promise<void> {
    await this.#stopNginx();
    const [a, b] = this.servers;
    let shipped = readFileSync(SHIPPED, 'utf8')
      .replaceAll('127.0.0.1:7411', `127.0.0.1:${a!.port}`)
      .replaceAll('127.0.0.1:7412', `127.0.0.1:${b!.port}`)
      .replace('listen 443 ', `listen 127.0.0.1:${this.#port} `)
      .replace('/etc/ssl/certs/coax.pem', join(this.dir, 'cert.pem'))
      .replace('/etc/ssl/private/coax.key', join(this.dir, 'key.pem'));
    if (rate !== undefined) shipped = shipped.replace('rate=200r/s', `rate=${rate}r/s`);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const file = join(this.dir, 'nginx.conf');
    writeFileSync(join(this.dir, 'coax.conf'), shipped);
    writeFileSync(
      file,
      `daemon off; pid ${this.dir}/nginx.pid; error_log ${this.dir}/error.log; worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 2000; }
http {
  access_log off;
  ${temporary.map(name => `${name}_temp_path ${this.dir}/${name};`).join(' ')}
  include ${this.dir}/coax.conf;
}
`,
    );
    const nginx = spawn(findProgram('nginx')!, ['-c', file, '-e', join(this.dir, 'error.log')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    nginx.stderr.on('data', piece => {
      said += piece;
    });
    this.#nginx = nginx;
    while ((await ask(`${this.url}/livez`).catch(() => null)) === null) {
      if (nginx.exitCode !== null) throw new Error(`nginx ended: ${said}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** What nginx itself found wrong. */
  get errorLog(): string {
    const file = join(this.dir, 'error.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async close(): Promise<void> {
    await this.#stopNginx();
    await Promise.all(this.servers.map(server => server.stop('SIGKILL')));
    await this.#cluster?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #stopNginx(): Promise<void> {
    const nginx = this.#nginx;
    this.#nginx = null;
    if (nginx === null || nginx.exitCode !== null) return;
    const ended = new Promise(resolve => nginx.once('exit', resolve));
    nginx.kill('SIGTERM');
    await ended;
  }

  #server(name: string, port: number): Server {
    const dataDir = join(this.dir, name);
    mkdirSync(dataDir, { mode: 0o700 });
    writeFileSync(join(dataDir, 'token'), `${this.token}\n`, { mode: 0o600 });
    const args = [
      ...['up', '--simulate', '--listen', `127.0.0.1:${port}`, '--trust-proxy', '127.0.0.1'],
      ...['--linger', '8s', '--flows', join(this.dir, 'flows'), '--modules', join(this.dir, 'modules')],
      ...['--cgi-bin', join(this.dir, 'cgi')],
    ];
    return new Server(port, dataDir, () =>
      spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
        env: {
          PATH: process.env.PATH ?? '',
          HOME: this.dir,
          COAX_DATA: dataDir,
          COAX_STORE: this.#cluster!.url('coax'),
        },
        stdio: ['ignore', 'ignore', process.env.COAX_TEST_LOUD ? 'inherit' : 'ignore'],
      }),
    );
  }

  #write(folder: string, files: Record<string, string>, mode = 0o644): void {
    mkdirSync(join(this.dir, folder), { recursive: true });
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(this.dir, folder, name), text, { mode });
  }
}
