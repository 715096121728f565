import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CoaxError, textOf } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { isCoaxProcess, readServerFile, readToken } from '../../data-dir.ts';
import { printUp, type UpOptions } from './up-report.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const READY_MS = 120_000;
const LOOK_MS = 50;
const TAIL_LINES = 8;

/** Starts `coax up` in a session of its own and waits until it answers. An error shows the end of its log. */
export async function startDetached(context: Context, options: UpOptions): Promise<number> {
  const { dataDir, out } = context;
  const { spawnDetached } = await import('../../../linux/process/exec.ts');
  const logFile = join(dataDir, 'server.log');
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CoaxError('COAX_STORE_UNAVAILABLE', `the data directory cannot be made: ${textOf(cause)}`, {
      where: dataDir,
      cause,
    });
  }
  const from = sizeOf(logFile);
  const env = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const pid = await spawnDetached(
    process.execPath,
    [...process.execArgv, MAIN, ...upArguments(dataDir, options)],
    {
      stdoutFile: logFile,
      stderrFile: logFile,
      cwd: dataDir,
      env: { ...env, NO_COLOR: '1' },
    },
  );
  const url = await untilReady(pid, dataDir, logFile, from);
  await out.object({ url, pid, dataDir, log: logFile }, url, () =>
    printUp(out, { url, pid }, dataDir, options),
  );
  return 0;
}

function upArguments(dataDir: string, options: UpOptions): string[] {
  return [
    'up',
    '--data',
    dataDir,
    ...(options.role ? ['--role', options.role] : []),
    ...(options.simulate ? ['--simulate'] : []),
    ...(options.allowRemote ? ['--allow-remote'] : []),
    ...(options.listen ? ['--listen', options.listen] : []),
    ...(options.lease === undefined ? [] : ['--lease', `${options.lease}ms`]),
    ...(options.grace === undefined ? [] : ['--grace', `${options.grace}ms`]),
    ...(options.retain === undefined ? [] : ['--retain', `${options.retain}ms`]),
    ...(options.archive
      ? ['--archive', options.archive.includes('://') ? options.archive : resolve(options.archive)]
      : []),
    ...(options.modules ?? []).flatMap(dir => ['--modules', resolve(dir)]),
    ...(options.flows ?? []).flatMap(dir => ['--flows', resolve(dir)]),
  ];
}

async function untilReady(pid: number, dataDir: string, logFile: string, from: number): Promise<string> {
  const { makeClient } = await import('../../../client/client.ts');
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    const file = readServerFile(dataDir);
    if (file?.pid === pid) {
      const client = makeClient({ url: file.url, token: readToken(dataDir) ?? '' });
      const ready = await client.ready().catch(() => null);
      client.close();
      if (ready) return file.url;
    }
    if (!isCoaxProcess(pid)) throw failure('the server ended at once', logFile, from);
    await new Promise(done => setTimeout(done, LOOK_MS));
  }
  throw failure(`the server (pid ${pid}) does not answer after ${READY_MS / 1000} s`, logFile, from);
}

function failure(reason: string, logFile: string, from: number): CoaxError {
  const faults = tailOf(logFile, from).map(line => ({ where: 'log', reason: line }));
  return new CoaxError('COAX_SERVER_UNREACHABLE', reason, {
    where: logFile,
    faults,
    hint: 'Mend what its log says; `coax up` shows it as it comes.',
  });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines that were written since the file had `from` bytes. */
function tailOf(file: string, from: number): string[] {
  try {
    return readFileSync(file).subarray(from).toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  } catch {
    return [];
  }
}
