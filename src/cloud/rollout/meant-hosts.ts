import { parseSelector, selects } from '../../message/carried/selector.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { cloudTables } from '../schema.ts';

/**
 * The hosts that are meant by `all`, names with commas, or a selector of labels. Those that are not up are `skipped`. Throws
 * Terminal when no host is meant.
 */
export async function meantHosts(
  { db }: Pick<Tx, 'db'>,
  on: string,
): Promise<{ hosts: readonly string[]; skipped: readonly string[] }> {
  const rows = await cloudTables(db)
    .selectFrom('hosts')
    .select(['name', 'labels', 'state'])
    .orderBy('name')
    .execute();
  const known = new Set(rows.map(({ name }) => name));
  const names = on.split(',').map(name => name.trim());
  const named = names.every(name => known.has(name)) ? new Set(names) : null;
  const selector = named === null && on !== 'all' ? parseSelector(on) : [];
  const meant = rows.filter(({ name, labels }) =>
    named === null ? selects(selector, JSON.parse(labels) as Record<string, string>) : named.has(name),
  );
  const hosts = meant.filter(({ state }) => state === 'up').map(({ name }) => name);
  const skipped = meant.filter(({ state }) => state !== 'up').map(({ name }) => name);
  if (hosts.length > 0) return { hosts, skipped };
  const why = skipped.length > 0 ? `of the hosts ${on} none is up` : `no host is meant by ${on}`;
  throw new Terminal(why, { code: 'COAX_NOT_FOUND' });
}
