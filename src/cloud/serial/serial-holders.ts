import type { Store } from '../../store/store.ts';
import { serialTables } from './schema.ts';

/** The server that reaches the guests of a host. */
export interface SerialHolder {
  readonly server: string;
  /** Where other servers reach it. */
  readonly url: string;
}

/** Tells other servers that the guests of that host are reached here. */
export async function holdSerial(store: Store, host: string, holder: SerialHolder): Promise<void> {
  const row = { server: holder.server, url: holder.url, since: store.now() };
  await store.jot(async db => {
    await serialTables(db)
      .insertInto('serial_holders')
      .values({ host, ...row })
      .onConflict(conflict => conflict.column('host').doUpdateSet(row))
      .execute();
  });
}

/** They are not reached at that server any more; another that reaches them stays. */
export async function dropSerial(store: Pick<Store, 'jot'>, server: string, host?: string): Promise<void> {
  await store.jot(async db => {
    const held = serialTables(db).deleteFrom('serial_holders').where('server', '=', server);
    await (host === undefined ? held : held.where('host', '=', host)).execute();
  });
}

export async function serialHolder(store: Pick<Store, 'reader'>, host: string): Promise<SerialHolder | null> {
  const row = await serialTables(store.reader)
    .selectFrom('serial_holders')
    .select(['server', 'url'])
    .where('host', '=', host)
    .executeTakeFirst();
  return row ?? null;
}
