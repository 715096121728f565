import type { Client } from '../client/client.ts';
import { parseServers } from '../client/servers/servers.ts';
import type { TokenSource } from '../client/transport.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { readServerFile, readToken, usualDataDir } from './data-dir.ts';
import type { GlobalOptions } from './global-options.ts';
import {
  type Contexts,
  contextNamed,
  contextOf,
  isAmong,
  LOCAL,
  readContexts,
  sameServer,
} from './login/contexts.ts';
import { LoginSource } from './login/login-source.ts';
import { Output } from './output/output.ts';

/** What every verb is given: where to print, and the server to ask. */
export interface Context {
  readonly out: Output;
  readonly dataDir: string;
  readonly globals: GlobalOptions;
  /** The server to ask; COAX_SERVER_UNREACHABLE when none is known. */
  address(): Address;
  /** A client of the server; COAX_SERVER_UNREACHABLE when none is known. */
  client(): Promise<Client>;
  /** Closes the connections that `client` opened. */
  close(): Promise<void>;
}

export function makeOutput(globals: GlobalOptions): Output {
  return new Output({
    format: globals.output ?? 'table',
    utc: globals.utc ?? false,
    color: globals.color ?? 'auto',
    quiet: globals.quiet ?? false,
  });
}

export function makeContext(globals: GlobalOptions, out: Output): Context {
  const dataDir = globals.data ? usualDataDir({ COAX_DATA: globals.data }) : usualDataDir();
  let client: Promise<Client> | null = null;
  let found: Address | null = null;
  const address = (): Address => (found ??= findServer(dataDir, globals));
  return {
    out,
    dataDir,
    globals,
    address,
    client: async () => (client ??= connect(address(), globals)),
    close: async () => (await client?.catch(() => null))?.close(),
  };
}

/** Where the server is and what opens it. */
export interface Address {
  /** Of several servers, with commas between. */
  readonly url: string;
  readonly token: string | TokenSource | null;
  /** The context that it is of; null for another server. */
  readonly context: string | null;
  /** That of the context, if it has one. */
  readonly project?: string;
  readonly ca?: string;
}

type Asked = Pick<GlobalOptions, 'data' | 'url' | 'context'>;

/**
 * Finds the server: by address (`--url`, COAX_URL), else by context (`--context`, COAX_CONTEXT), else the data directory's if that
 * is named (`--data`, COAX_DATA), else the current context's, else that of the usual data directory. A login goes to the server it
 * is for, the data directory's token to its own; COAX_TOKEN goes to any. Errors: COAX_SERVER_UNREACHABLE, COAX_NOT_FOUND,
 * COAX_USAGE.
 */
export function findServer(
  dataDir: string,
  asked: Asked = {},
  env: NodeJS.ProcessEnv = process.env,
): Address {
  const url = asked.url ?? (asked.context === undefined ? env.COAX_URL : undefined);
  if (url) return serverAt(checkUrl(url, asked.url ? '--url' : 'COAX_URL'), dataDir, env);
  const name = asked.context ?? env.COAX_CONTEXT;
  if (name) return name === LOCAL ? localServer(dataDir, env) : serverOf(name, readContexts(), env);
  if (asked.data || env.COAX_DATA) return localServer(dataDir, env);
  const contexts = readContexts();
  return contexts.current === null ? localServer(dataDir, env) : serverOf(contexts.current, contexts, env);
}

function serverAt(url: string, dataDir: string, env: NodeJS.ProcessEnv): Address {
  const file = readServerFile(dataDir);
  if (env.COAX_TOKEN) return { url, token: env.COAX_TOKEN, context: null };
  if (file && sameServer(file.url, url)) return { url, token: readToken(dataDir), context: null };
  const contexts = readContexts();
  const found = contextOf(url, contexts, isAmong);
  return found === null ? { url, token: null, context: null } : { ...serverOf(found[0], contexts, env), url };
}

function serverOf(name: string, contexts: Contexts, env: NodeJS.ProcessEnv): Address {
  const { url, project, ca } = contextNamed(name, contexts);
  const token = env.COAX_TOKEN || new LoginSource(name);
  return { url, token, context: name, ...(project && { project }), ...(ca && { ca }) };
}

function localServer(dataDir: string, env: NodeJS.ProcessEnv): Address {
  const file = readServerFile(dataDir);
  if (file?.alive) return { url: file.url, token: env.COAX_TOKEN || readToken(dataDir), context: null };
  throw new CoaxError(
    'COAX_SERVER_UNREACHABLE',
    file ? `the server of ${dataDir} (pid ${file.pid}) is gone` : `no server runs in ${dataDir}`,
    {
      hint: '`coax up --detach` starts one; `coax login URL` or COAX_URL names one elsewhere.',
    },
  );
}

/** A server's address without a slash at its end, or those of several with commas between. Errors: COAX_USAGE. */
export function checkUrl(text: string, where: string): string {
  return parseServers(text, where)
    .map(({ url }) => url)
    .join(',');
}

async function connect(address: Address, globals: GlobalOptions): Promise<Client> {
  const project = globals.project ?? process.env.COAX_PROJECT ?? address.project;
  const { url, token, ca } = address;
  const { makeClient } = await import('../client/client.ts');
  return makeClient({ url, token: token ?? '', ...(ca && { ca }), ...(project && { project }) });
}
