import type { SecretKeyList, SecretKeyView } from '../../../api/secret/secret-key.ts';
import type { Context } from '../../context.ts';
import type { Column } from '../../output/table.ts';
import { age } from '../../output/time.ts';

/** Keys as a table, oldest first. */
export async function printSecretKeys({ out }: Context, list: SecretKeyList): Promise<void> {
  const columns: readonly Column<SecretKeyView>[] = [
    { head: 'KEY', cell: key => key.id },
    { head: 'AGE', cell: key => age(Date.parse(key.created), Date.now()) },
    { head: 'USE', cell: key => (key.newest ? 'seals new secrets' : 'opens old ones') },
    { head: 'HERE', cell: key => (key.here ? 'yes' : out.style('red', 'no')) },
    { head: 'MESSAGES', cell: key => String(key.messages) },
  ];
  await out.list(list, { columns, name: key => key.id, empty: 'no key' });
}
