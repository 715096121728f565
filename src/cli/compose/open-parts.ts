import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cgiSource } from '../../cgi/cgi-actions.ts';
import { CgiFolder } from '../../cgi/cgi-folder.ts';
import { type Cloud, openCloud } from '../../cloud/cloud.ts';
import { cacheFolder } from '../../cloud/image/cache-folder.ts';
import type { Fault } from '../../errors/coax-error.ts';
import { closeSpawners, startSpawner } from '../../linux/process/run-process.ts';
import type { Repository } from '../../package/repository/repository.ts';
import { BUILTIN } from '../../policy/fleet-policies.ts';
import { loadPolicies } from '../../policy/load-policies.ts';
import { type OpenSecrets, openSecrets } from '../../secret/open-secrets.ts';
import { type OpenCatalogue, openCatalogue } from '../../step/catalogue.ts';
import type { ModuleDefinition } from '../../step/define-module.ts';
import { type FlowBook, openFlows } from '../../step/flow-folder.ts';
import type { Store } from '../../store/store.ts';
import { openPackageRepository } from './open-package-repository.ts';
import { openPackageModule } from './open-packages.ts';
import { openStore } from './open-store.ts';
import type { ProcessOptions } from './process-options.ts';

/** Flows that come with Coax. */
export const FLOWS = fileURLToPath(new URL('../../../flows', import.meta.url));

export interface Parts {
  readonly store: Store;
  readonly secrets: OpenSecrets;
  readonly cloud: Cloud;
  readonly catalogue: OpenCatalogue;
  readonly packages: Repository;
  /** The folder of CGI scripts; null if there is none. */
  readonly cgi: CgiFolder | null;
}

/** What every process has: the store, the cloud on it, and the actions of all folders. `opened` closes them. */
export async function openParts(
  opened: AsyncDisposableStack,
  dataDir: string,
  options: ProcessOptions,
): Promise<Parts> {
  const store = await openStore(dataDir, options.storeUrl, options.onMigrate);
  opened.defer(() => store.close());
  const secrets = await openSecrets(store, options.secretKeyFile ?? join(dataDir, 'secret-keys.json'));
  startSpawner();
  opened.defer(() => closeSpawners());
  const cloud = await openCloud({
    store,
    dataDir,
    cacheDir: cacheFolder(),
    simulate: options.simulate,
    serves: options.role !== 'server',
    policies: await loadPolicies(policiesFile(dataDir, options), BUILTIN),
    onProgress: options.log,
  });
  opened.defer(() => cloud.close());
  const packages = openPackageRepository(store, secrets, dataDir, options);
  const onFault = onFaultOf(options);
  const cgi = options.cgiDir === undefined ? null : new CgiFolder(resolve(options.cgiDir));
  const catalogue = openCatalogue({
    builtin: [...cloud.modules, packagesOf(dataDir, cloud, packages)],
    dirs: options.modulesDirs,
    sources: cgi === null ? [] : [cgiSource(cgi)],
    onFault,
  });
  opened.defer(() => catalogue.close());
  await catalogue.refresh();
  catalogue.watch();
  return { store, secrets, cloud, catalogue, packages, cgi };
}

/** The packages of the hosts that are served here, each in a folder of its own: simulated ones may be many. */
function packagesOf(dataDir: string, cloud: Cloud, repository: Repository): ModuleDefinition {
  return openPackageModule({
    dataDir,
    installation: cloud.installation,
    serves: host => cloud.hostNames().includes(host),
    rootOf: host => join(dataDir, 'packages', host),
    files: repository.files(),
  });
}

/** The flows of all folders, followed as they change. */
export async function openBook(opened: AsyncDisposableStack, options: ProcessOptions): Promise<FlowBook> {
  const flows = openFlows({ dirs: [FLOWS, ...options.flowsDirs], onFault: onFaultOf(options) });
  opened.defer(() => flows.close());
  await flows.refresh();
  flows.watch();
  return flows;
}

/** The file that was named, else the one in the data directory, if there is one. */
function policiesFile(dataDir: string, { policiesFile: named }: ProcessOptions): string | null {
  const usual = join(dataDir, 'placement.yaml');
  return named ?? (existsSync(usual) ? usual : null);
}

const onFaultOf =
  ({ log }: ProcessOptions) =>
  ({ where, reason }: Fault): void =>
    log(`${where}: ${reason}`);
