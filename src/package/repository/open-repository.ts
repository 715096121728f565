import { join } from 'node:path';
import { openPlace } from '../../object-store/open-place.ts';
import type { Store } from '../../store/store.ts';
import type { KeyBox } from './online-key.ts';
import { Repository } from './repository.ts';
import { RepositoryContents } from './repository-contents.ts';
import { PACKAGES, type RepositoryObjects } from './repository-files.ts';

export interface OpenRepositoryOptions {
  readonly store: Store;
  readonly box: KeyBox;
  /** A folder, or s3://bucket/prefix. */
  readonly place: string;
  /** Where uploads wait until they are whole. */
  readonly tempDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The repository of a server. Errors: COAX_USAGE for a place that is none, or keys of a bucket that are not known. */
export function openRepository({ store, box, place, tempDir, env }: OpenRepositoryOptions): Repository {
  const objects = objectsOf(place, env);
  return new Repository({ store, box, objects, contents: new RepositoryContents(objects, tempDir) });
}

/** The three places of a repository beneath one. Errors: COAX_USAGE. */
export function objectsOf(place: string, env: OpenRepositoryOptions['env']): RepositoryObjects {
  const inside = (kind: string): string =>
    place.includes('://') ? `${place.replace(/\/+$/, '')}/${kind}` : join(place, kind);
  const open = (kind: string) => openPlace(inside(kind), env, PACKAGES);
  return { metadata: open('metadata'), targets: open('targets'), contents: open('contents') };
}
