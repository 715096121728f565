import { join } from 'node:path';
import type { Sealed } from '../../message/secret/sealed.ts';
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

/** Renews what expires, while this server lives. */
export function renewPackages(
  opened: AsyncDisposableStack,
  repository: Repository,
  { log }: Pick<ProcessOptions, 'log'>,
): Repository {
  const renewal = new Renewal(repository, { onFault: reportOnce(log) });
  opened.defer(() => renewal.close());
  return repository;
}

/** Seals with the installation's keys. */
export const keyBox = ({ box }: Pick<OpenSecrets, 'box'>): KeyBox => ({
  seal: text => JSON.stringify(box.seal(text)),
  open: sealed => box.open(JSON.parse(sealed) as Sealed) as string,
});
