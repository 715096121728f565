import type { Client } from '../client/client.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { readServerFile, readToken, usualDataDir } from './data-dir.ts';
import type { GlobalOptions } from './global-options.ts';
import { Output } from './output/output.ts';

/** What every verb is given: where to print, and the server to ask. */
export interface Context {
  readonly out: Output;
  readonly dataDir: string;
  readonly globals: GlobalOptions;
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
  return {
    out,
    dataDir,
    globals,
    client: () => (client ??= connect(dataDir, globals)),
    close: async () => (await client?.catch(() => null))?.close(),
  };
}

/** Where the server is and what opens it. */
export interface Address {
  readonly url: string;
  readonly token: string | null;
}

/** Finds the server: flag, COAX_URL, else the data directory's. The data directory's token goes to its own server only. */
export function findServer(dataDir: string, urlFlag?: string, env: NodeJS.ProcessEnv = process.env): Address {
  const file = readServerFile(dataDir);
  const asked = urlFlag ?? env.COAX_URL;
  if (asked) {
    const url = checkUrl(asked, urlFlag ? '--url' : 'COAX_URL');
    return { url, token: env.COAX_TOKEN || (file && sameServer(file.url, url) ? readToken(dataDir) : null) };
  }
  if (file?.alive) return { url: file.url, token: env.COAX_TOKEN || readToken(dataDir) };
  throw new CoaxError(
    'COAX_SERVER_UNREACHABLE',
    file ? `the server of ${dataDir} (pid ${file.pid}) is gone` : `no server runs in ${dataDir}`,
    {
      hint: '`coax up --detach` starts one; COAX_URL names one elsewhere.',
    },
  );
}

function checkUrl(text: string, where: string): string {
  const url = URL.parse(text);
  if (url && /^(https?|unix):$/.test(url.protocol)) return text.replace(/\/$/, '');
  throw new CoaxError('COAX_USAGE', `${text} is not an address of a server`, {
    where,
    hint: 'For example http://127.0.0.1:7070 or unix:/run/coax.sock',
  });
}

function sameServer(a: string, b: string): boolean {
  return a.startsWith('unix:') || b.startsWith('unix:')
    ? a === b
    : URL.parse(a)?.origin === URL.parse(b)?.origin;
}

async function connect(dataDir: string, globals: GlobalOptions): Promise<Client> {
  const { url, token } = findServer(dataDir, globals.url);
  const project = globals.project ?? process.env.COAX_PROJECT;
  const { makeClient } = await import('../client/client.ts');
  return makeClient({ url, token: token ?? '', ...(project && { project }) });
}
