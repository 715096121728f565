import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseServers, type ServerAddress } from '../../client/servers/servers.ts';
import { CoaxError, textOf } from '../../errors/coax-error.ts';

/** The server of the data directory: always there, and no context of the file. */
export const LOCAL = 'local';
const NAME = /^[A-Za-z0-9]([A-Za-z0-9._:-]{0,99})$/;

/** What lets a login be renewed at the provider. */
export interface Renewal {
  readonly issuer: string;
  readonly clientId: string;
  readonly refreshToken: string;
}

export type Login =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'session';
      readonly session: string;
      /** RFC 3339. */
      readonly expires: string;
      readonly renewal: Renewal | null;
    };

/** A server, and as whom it is asked. */
export interface ServerContext {
  /** Of several servers of one installation, with commas between. */
  readonly url: string;
  /** As whom one stands in the ledger there. */
  readonly actor: string;
  /** Null: logged out. */
  readonly login: Login | null;
  /** Of what is submitted and listed, when nothing else says. */
  readonly project?: string;
  /** File of the certificates that its TLS is checked against. */
  readonly ca?: string;
}

/** What is in the file. */
export interface Contexts {
  /** Null: the server of the data directory. */
  readonly current: string | null;
  readonly contexts: Readonly<Record<string, ServerContext>>;
}

const NONE: Contexts = { current: null, contexts: {} };

/** COAX_CONFIG, else `coax/contexts.json` of the XDG configuration folder. */
export function contextsFile(env: NodeJS.ProcessEnv = process.env): string {
  if (env.COAX_CONFIG) return resolve(env.COAX_CONFIG);
  // The XDG specification: a relative path is to be ignored.
  const xdg = env.XDG_CONFIG_HOME;
  const base = xdg && isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), '.config');
  return join(base, 'coax/contexts.json');
}

/** Errors: COAX_USAGE when it cannot be read, others than its owner can read it, or it is none. */
export function readContexts(file = contextsFile()): Contexts {
  let text: string;
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0)
      throw new CoaxError('COAX_USAGE', 'others than you may read your logins', {
        where: file,
        hint: `\`chmod 600 ${file}\`; if somebody has read it, \`coax logout\` and log in again.`,
      });
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof CoaxError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return NONE;
    throw new CoaxError('COAX_USAGE', `your logins cannot be read: ${textOf(cause)}`, { where: file, cause });
  }
  try {
    const { current = null, contexts } = JSON.parse(text) as Partial<Contexts>;
    if (typeof contexts !== 'object' || contexts === null) throw new Error('it has no contexts');
    for (const context of Object.values(contexts)) parseServers(context.url, file);
    return { current: current !== null && Object.hasOwn(contexts, current) ? current : null, contexts };
  } catch (cause) {
    throw new CoaxError('COAX_USAGE', `the file of your logins is broken: ${textOf(cause)}`, {
      where: file,
      hint: 'Move it away, and log in again.',
      cause,
    });
  }
}

/** The context of that name. Errors: COAX_NOT_FOUND. */
export function contextNamed(name: string, { contexts }: Contexts): ServerContext {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found !== undefined) return found;
  throw new CoaxError('COAX_NOT_FOUND', `there is no context ${name}`, {
    hint: '`coax context ls` lists them; `coax login URL` makes one.',
  });
}

/** The first context of that server, with the current one before others. `matches`: is the asked one that of the context? */
export function contextOf(
  url: string,
  { current, contexts }: Contexts,
  matches = sameServer,
): [string, ServerContext] | null {
  const all = Object.entries(contexts).sort(([a], [b]) => Number(b === current) - Number(a === current));
  return all.find(([, context]) => matches(url, context.url)) ?? null;
}

/** Do both name the same servers, in whatever order? */
export function sameServer(a: string, b: string): boolean {
  return isAmong(a, b) && isAmong(b, a);
}

/** Are all servers of the first list in the second? */
export function isAmong(some: string, all: string): boolean {
  const known = new Set(originsOf(all));
  return originsOf(some).every(origin => known.has(origin));
}

const originsOf = (urls: string): string[] => parseServers(urls, 'the address of the server').map(originOf);

const originOf = ({ url, base, socketPath }: ServerAddress): string =>
  socketPath === undefined ? base.origin : url;

/** Errors: COAX_USAGE. */
export function checkName(name: string): string {
  if (NAME.test(name) && name !== LOCAL) return name;
  throw new CoaxError('COAX_USAGE', `${name} cannot be the name of a context`, {
    where: '--name',
    hint: `Give letters, digits, dots and dashes; ${LOCAL} is the server of the data directory.`,
  });
}

/** How long another process may be at the file; one that renews a login asks its provider meanwhile. */
const LOCKED_MS = 60_000;
const LOOK_MS = 25;

/**
 * Changes the file, while no other process does: `change` is given what is in it and gives what is to be. It is written whole or
 * not at all, and readable by its owner alone. Errors: COAX_USAGE when it cannot be written, and what `change` throws.
 */
export async function changeContexts(
  change: (before: Contexts) => Contexts | Promise<Contexts>,
  file = contextsFile(),
): Promise<Contexts> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unwritable(file, cause);
  }
  using _lock = await lock(`${file}.lock`);
  const before = readContexts(file);
  const after = await change(before);
  if (after === before) return after;
  try {
    const next = `${file}.new`;
    writeFileSync(next, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600 });
    // One that a crash left there keeps its mode when it is written over.
    chmodSync(next, 0o600);
    renameSync(next, file);
  } catch (cause) {
    throw unwritable(file, cause);
  }
  return after;
}

async function lock(path: string): Promise<Disposable> {
  const { holdPidFile } = await import('../../linux/daemon/pid-file.ts');
  const { LinuxError } = await import('../../linux/linux-error.ts');
  for (const until = Date.now() + LOCKED_MS; ; ) {
    try {
      return holdPidFile(path);
    } catch (cause) {
      if (!(cause instanceof LinuxError) || cause.code !== 'EEXIST') throw unwritable(path, cause);
      if (Date.now() > until) throw unwritable(path, cause);
      await sleep(LOOK_MS);
    }
  }
}

const unwritable = (file: string, cause: unknown): CoaxError =>
  new CoaxError('COAX_USAGE', `your logins cannot be kept: ${textOf(cause)}`, {
    where: file,
    hint: 'COAX_CONFIG names another file.',
    cause,
  });
