import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoaxError, textOf } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { readServerFile } from '../../data-dir.ts';
import { spawnCoax } from './spawn-coax.ts';
import { printUp, type UpOptions } from './up-report.ts';

/** Starts `coax up` in the background and returns when it answers. An error shows the end of its log. */
export async function startDetached(context: Context, options: UpOptions): Promise<number> {
  const { dataDir, out } = context;
  const logFile = join(dataDir, 'server.log');
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CoaxError('COAX_STORE_UNAVAILABLE', `the data directory cannot be made: ${textOf(cause)}`, {
      where: dataDir,
      cause,
    });
  }
  const onStatus = (status: string): void => {
    if (!status.startsWith('serves ')) out.hint(status);
  };
  const pid = await spawnCoax(upArguments(dataDir, options), { cwd: dataDir, logFile, onStatus });
  const url = readServerFile(dataDir)?.url ?? '';
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
    ...(options.peerUrl !== undefined ? ['--peer-url', options.peerUrl] : []),
    ...(options.listen ? ['--listen', options.listen] : []),
    ...(options.lease === undefined ? [] : ['--lease', `${options.lease}ms`]),
    ...(options.grace === undefined ? [] : ['--grace', `${options.grace}ms`]),
    ...(options.lostAfter === undefined ? [] : ['--lost-after', `${options.lostAfter}ms`]),
    ...(options.retain === undefined ? [] : ['--retain', `${options.retain}ms`]),
    ...(options.archive
      ? ['--archive', options.archive.includes('://') ? options.archive : resolve(options.archive)]
      : []),
    ...(options.packages
      ? ['--packages', options.packages.includes('://') ? options.packages : resolve(options.packages)]
      : []),
    ...(options.repositoryGc === undefined ? [] : ['--repository-gc', `${options.repositoryGc}ms`]),
    ...(options.placement ? ['--placement', resolve(options.placement)] : []),
    ...(options.limit ?? []).flatMap(pair => ['--limit', pair]),
    ...(options.trustProxy ?? []).flatMap(range => ['--trust-proxy', range]),
    ...(options.linger === undefined ? [] : ['--linger', `${options.linger}ms`]),
    ...(options.cgiBin ? ['--cgi-bin', resolve(options.cgiBin)] : []),
    ...(options.webhookAllow ?? []).flatMap(network => ['--webhook-allow', network]),
    ...(options.secretKeyFile ? ['--secret-key-file', resolve(options.secretKeyFile)] : []),
    ...(options.oidc ? ['--oidc', resolve(options.oidc)] : []),
    ...(options.modules ?? []).flatMap(dir => ['--modules', resolve(dir)]),
    ...(options.flows ?? []).flatMap(dir => ['--flows', resolve(dir)]),
  ];
}
