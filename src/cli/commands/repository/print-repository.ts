import type { RepositoryView } from '../../../api/package/repository.ts';
import type { Context } from '../../context.ts';
import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';

export async function printRepository({ out }: Pick<Context, 'out'>, view: RepositoryView): Promise<number> {
  const role = ({ version, expires }: RepositoryView['snapshot']): string => `${version}, until ${expires}`;
  const signers = ({ threshold, keys }: RepositoryView['root']): string =>
    `${threshold} of ${plural(keys.length, 'key')}: ${keys.map(({ id }) => id.slice(0, 12)).join(', ')}`;
  const online = ({ online: key }: RepositoryView): string | null =>
    key &&
    `${key.id.slice(0, 12)} (${key.algorithm}), since ${key.since}; what it signed holds until ${key.until}`;
  await out.object(view, view.place, () =>
    out.fields([
      ['place', cell(view.place)],
      ['packages', view.packages],
      ['root', role(view.root)],
      ['root keys', signers(view.root)],
      ['targets', role(view.targets)],
      ['targets keys', signers(view.targets)],
      ['snapshot', role(view.snapshot)],
      ['timestamp', role(view.timestamp)],
      ['online key', online(view)],
    ]),
  );
  return 0;
}
