import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnrolAnswer } from '../api/agent.ts';
import { CoaxError, textOf } from '../errors/coax-error.ts';

/** What a host was told when it joined, and what it was joined with; later starts need no more. */
export interface Membership {
  /** Of several servers, with commas between. */
  readonly url: string;
  readonly host: string;
  /** File with the certificates that the server's TLS is checked against; empty: those that Node knows. */
  readonly ca: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly rack: string;
  readonly simulate: boolean;
  /** Where packages are installed; absent, or empty: `packages` in the data directory. */
  readonly packageRoot?: string;
  readonly installation: string;
  readonly network: EnrolAnswer['network'];
}

/** What a running agent tells of itself to commands on its machine. Times in milliseconds since 1970. */
export interface AgentStatus {
  readonly pid: number;
  readonly host: string;
  /** The server that it asks now. */
  readonly url: string;
  readonly version: string;
  /** Did the server take the last report? */
  readonly connected: boolean;
  /** Since when it is connected, or is not. */
  readonly since: number;
  /** The host's state as the server sees it; null before the first answer. */
  readonly state: string | null;
  readonly reason: string;
  readonly guests: number;
  readonly steps: number;
}

/** The folder `agent` of a data directory: key, membership, pid, status. Errors: COAX_STORE_UNAVAILABLE. */
export class AgentFolder {
  readonly path: string;
  readonly lockFile: string;
  readonly logFile: string;
  readonly pidFile: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, 'agent');
    this.lockFile = join(this.path, 'agent.lock');
    this.logFile = join(this.path, 'agent.log');
    this.pidFile = join(this.path, 'agent.pid');
  }

  make(): void {
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new CoaxError('COAX_STORE_UNAVAILABLE', `the agent's folder cannot be made: ${textOf(cause)}`, {
        where: this.path,
        hint: 'Set COAX_DATA to a folder that this user may write.',
        cause,
      });
    }
  }

  /** The host's key, made at the first call and never sent anywhere: only its public half is. */
  key(): KeyObject {
    const file = join(this.path, 'key.pem');
    if (!existsSync(file)) {
      const { privateKey } = generateKeyPairSync('ed25519');
      this.#write('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    }
    try {
      return createPrivateKey(readFileSync(file));
    } catch (cause) {
      throw new CoaxError('COAX_STORE_UNAVAILABLE', `the host's key cannot be read: ${textOf(cause)}`, {
        where: file,
        hint: 'With the key lost, `coax host token HOST --replace` on the server lets the host join again.',
        cause,
      });
    }
  }

  /** Null before the host has joined. */
  membership(): Membership | null {
    return this.#read<Membership>('agent.json');
  }

  join(membership: Membership): void {
    this.#write('agent.json', `${JSON.stringify(membership, null, 2)}\n`);
  }

  /** Of the running agent, or of the last one; whether it lives, its pid tells. */
  status(): AgentStatus | null {
    return this.#read<AgentStatus>('status.json');
  }

  tell(status: AgentStatus): void {
    this.#write('status.json', `${JSON.stringify(status)}\n`);
  }

  /** Says which process the agent is; the lock beside it says that it lives. */
  begin(pid: number): void {
    rmSync(join(this.path, 'status.json'), { force: true });
    this.#write('agent.pid', `${pid}\n`);
  }

  end(): void {
    rmSync(this.pidFile, { force: true });
    rmSync(join(this.path, 'status.json'), { force: true });
  }

  pid(): number | null {
    try {
      const pid = Number(readFileSync(this.pidFile, 'utf8').trim());
      return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
    } catch {
      return null;
    }
  }

  #read<T>(name: string): T | null {
    const file = join(this.path, name);
    if (!existsSync(file)) return null;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as T;
    } catch (cause) {
      throw new CoaxError('COAX_STORE_UNAVAILABLE', `${name} cannot be read: ${textOf(cause)}`, {
        where: file,
        hint: 'Let the host join again: `coax host token HOST` on the server prints the command.',
        cause,
      });
    }
  }

  /** Whole or not at all, for its owner's eyes only. */
  #write(name: string, text: string): void {
    const file = join(this.path, name);
    try {
      writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    } catch (cause) {
      throw new CoaxError('COAX_STORE_UNAVAILABLE', `${name} cannot be written: ${textOf(cause)}`, {
        where: file,
        cause,
      });
    }
  }
}

/** The public half of a key, as the server keeps it: PEM of its SPKI. */
export function publicKeyOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}

/** Ed25519 signature of a text, in base64. */
export function signatureOf(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), key).toString('base64');
}
