import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findProgram } from '../../src/linux/process/exec.ts';
import { freePort } from '../../src/testing/free-port.ts';

const MODULES = '/usr/lib/apache2/modules';

/** Debian's Apache on a loopback port, with a configuration of its own, serving a folder of CGI scripts. */
export class Apache {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-apache-'));
  readonly documents = join(this.dir, 'htdocs');
  readonly #scripts: string;
  readonly #kind: 'prefork' | 'event';
  #process: ChildProcess | null = null;
  #port = 0;

  /** `prefork` has mod_cgi, which forks what serves the request; `event` has mod_cgid, which asks a daemon of its own. */
  constructor(scripts: string, kind: 'prefork' | 'event' = 'prefork') {
    this.#scripts = scripts;
    this.#kind = kind;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const program = findProgram('apache2');
    if (program === null) throw new Error('apache2 is missing: apt-get install apache2');
    this.#port = await freePort();
    // Its children are another user's.
    for (const folder of [this.dir, this.documents, this.#scripts, dirname(this.#scripts)]) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o755);
    }
    const cgi = this.#kind === 'prefork' ? 'cgi' : 'cgid';
    const load = [`mpm_${this.#kind}`, 'authz_core', 'alias', cgi]
      .map(name => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
      .join('\n');
    const file = join(this.dir, 'apache.conf');
    writeFileSync(
      file,
      `ServerRoot ${this.dir}\nPidFile ${this.dir}/pid\nMaxKeepAliveRequests 0
Listen 127.0.0.1:${this.#port}\nServerName localhost
ErrorLog ${this.dir}/error.log\nDefaultRuntimeDir ${this.dir}\n${load}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
${cgi === 'cgid' ? `ScriptSock ${this.dir}/cgid` : ''}
MaxRequestWorkers 150
DocumentRoot ${this.documents}\nScriptAlias /cgi-bin/ ${this.#scripts}/\n`,
    );
    // A group of its own: at its end it signals the whole group that it is in.
    const apache = spawn(program, ['-f', file, '-D', 'FOREGROUND'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let said = '';
    apache.stderr.on('data', piece => {
      said += piece;
    });
    this.#process = apache;
    while (!existsSync(join(this.dir, 'pid')) || !(await this.#answers())) {
      if (apache.exitCode !== null) throw new Error(`apache2 ended: ${said}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    const apache = this.#process;
    if (apache !== null && apache.exitCode === null && apache.signalCode === null) {
      const ended = new Promise(resolve => apache.once('exit', resolve));
      apache.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    return (await fetch(this.url).catch(() => null)) !== null;
  }
}
