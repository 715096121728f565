import { join } from 'node:path';
import type { Sealed } from '../../message/secret/sealed.ts';
import type { CollectReport } from '../../package/repository/garbage/collect.ts';
import { Collection } from '../../package/repository/garbage/collection.ts';
import type { KeyBox } from '../../package/repository/online-key.ts';
import { openRepository } from '../../package/repository/open-repository.ts';
import { Renewal } from '../../package/repository/renewal.ts';
import type { Repository } from '../../package/repository/repository.ts';
import type { OpenSecrets } from '../../secret/open-secrets.ts';
import type { Store } from '../../store/store.ts';
import type { ProcessOptions } from './process-options.ts';
import { reportOnce } from './report-once.ts';

/** The repository of host packages. */
export function openPackageRepository(
  store: Store,
  secrets: OpenSecrets,
  dataDir: string,
  { packages }: Pick<ProcessOptions, 'packages'>,
): Repository {
  const repository = openRepository({
    store,
    box: keyBox(secrets),
    place: packages ?? join(dataDir, 'package-repository'),
    tempDir: join(dataDir, 'packages-coming'),
    env: process.env,
  });
  secrets.keys.add(repository);
  return repository;
}

/** How often what no package names is deleted, unless something else is asked for. */
const COLLECT_MS = 24 * 3_600_000;

/** Renews what expires, and deletes what nothing has named for long, while this server lives. */
export function tendPackages(
  opened: AsyncDisposableStack,
  repository: Repository,
  { log, collectMs = COLLECT_MS }: Pick<ProcessOptions, 'log' | 'collectMs'>,
): Repository {
  const renewal = new Renewal(repository, { onFault: reportOnce(log) });
  opened.defer(() => renewal.close());
  if (collectMs > 0) {
    const fault = reportOnce(log);
    const collection = new Collection(repository, {
      everyMs: collectMs,
      onReport: report => log(`package repository: ${collected(report)}`),
      onFault: error => fault(error),
    });
    opened.defer(() => collection.close());
  }
  return repository;
}

function collected({ removed, needed, waiting, next }: CollectReport): string {
  const until = next === null ? '' : `, the first until ${new Date(next).toISOString()}`;
  const files = `${removed.length} file${removed.length === 1 ? '' : 's'}`;
  return `deleted ${files} that nothing named; ${needed} needed; ${waiting} waiting${until}`;
}

/** Seals with the installation's keys. */
export const keyBox = ({ box }: Pick<OpenSecrets, 'box'>): KeyBox => ({
  seal: text => JSON.stringify(box.seal(text)),
  open: sealed => box.open(JSON.parse(sealed) as Sealed) as string,
});
