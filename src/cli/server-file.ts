import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoaxError, textOf } from '../errors/coax-error.ts';

/** Tells clients on this machine where the server is: `server.json` with `{pid, url}`, written whole or not at all. */
export function writeServerFile(dataDir: string, url: string): void {
  const file = join(dataDir, 'server.json');
  writeFileSync(`${file}.new`, `${JSON.stringify({ pid: process.pid, url })}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeServerFile(dataDir: string): void {
  const file = join(dataDir, 'server.json');
  try {
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    if (pid === process.pid) rmSync(file);
  } catch {
    // Somebody removed it already.
  }
}

/** The first token of a data directory, made at the first start: `token`, readable by its owner only. */
export function keepToken(dataDir: string): string {
  const file = join(dataDir, 'token');
  try {
    const token = readFileSync(file, 'utf8').trim();
    if (token.length >= 32) return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new CoaxError('COAX_STORE_UNAVAILABLE', `the token cannot be read: ${textOf(error)}`, {
        where: file,
      });
    }
  }
  const token = `coax_${randomBytes(32).toString('base64url')}`;
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return token;
}
