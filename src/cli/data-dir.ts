import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where this user's Coax keeps its data: COAX_DATA, else /var/lib/coax for root, else the XDG data folder. */
export function usualDataDir(env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.()): string {
  if (env.COAX_DATA) return resolve(env.COAX_DATA);
  if (uid === 0) return '/var/lib/coax';
  // The XDG specification: a relative path is to be ignored.
  const xdg = env.XDG_DATA_HOME;
  return join(xdg && isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), '.local/share'), 'coax');
}

/** What a running server leaves in its data directory. */
export interface ServerFile {
  readonly pid: number;
  readonly url: string;
  /** False when the process it names is gone: the file was left by a server that was killed. */
  readonly alive: boolean;
}

/** Reads `server.json`; null if there is none or it is not one. */
export function readServerFile(dataDir: string): ServerFile | null {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(join(dataDir, 'server.json'), 'utf8'));
  } catch {
    return null;
  }
  const { pid, url } = (content ?? {}) as { pid?: unknown; url?: unknown };
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1 || typeof url !== 'string')
    return null;
  return { pid, url, alive: isCoaxProcess(pid) };
}

/** Does that process live, and is it one of ours? Its number may have been given to another since. */
export function isCoaxProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')) return false;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return command.length <= 1 || command.some(word => /node|coax|main\.ts|demo/.test(word));
  } catch {
    return true;
  }
}

/** The token of that data directory's server, or null. */
export function readToken(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, 'token'), 'utf8').trim() || null;
  } catch {
    return null;
  }
}
