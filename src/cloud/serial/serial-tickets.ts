import { hash, randomBytes } from 'node:crypto';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Store } from '../../store/store.ts';
import { serialTables } from './schema.ts';

/** A ticket opens for so long. */
export const SERIAL_TICKET_MS = 10_000;
const TICKETS_MAX = 1000;

/** What a ticket opens. */
export interface SerialTicketFor {
  /** Name of the VM. */
  readonly vm: string;
  readonly actor: string;
  /** It watches, and types nothing. */
  readonly readonly: boolean;
  /** Another server asks: the line is here, or nowhere. */
  readonly relayed: boolean;
}

/** A ticket that opens one serial line once, at any server of the store. Errors: COAX_RATE when very many are open. */
export async function giveSerialTicket(
  store: Pick<Store, 'transact'>,
  opens: SerialTicketFor,
): Promise<string> {
  const ticket = randomBytes(24).toString('hex');
  await store.transact(async tx => {
    const db = serialTables(tx.db);
    await db.deleteFrom('serial_tickets').where('expires', '<', tx.now).execute();
    const { open } = await db
      .selectFrom('serial_tickets')
      .select(({ fn }) => fn.countAll<number>().as('open'))
      .executeTakeFirstOrThrow();
    if (Number(open) >= TICKETS_MAX)
      throw new CoaxError('COAX_RATE', 'too many tickets are open', { retryAfterMs: SERIAL_TICKET_MS });
    await db
      .insertInto('serial_tickets')
      .values({
        hash: hash('sha256', ticket),
        vm: opens.vm,
        actor: opens.actor,
        readonly: opens.readonly ? 1 : 0,
        relayed: opens.relayed ? 1 : 0,
        expires: tx.now + SERIAL_TICKET_MS,
      })
      .execute();
  });
  return ticket;
}

/** What the ticket opens; null when it is not known, too old, or used already. It is used up by this. */
export async function takeSerialTicket(
  store: Pick<Store, 'transact'>,
  ticket: string,
): Promise<SerialTicketFor | null> {
  return await store.transact(async tx => {
    const db = serialTables(tx.db);
    const key = hash('sha256', ticket);
    const row = await db
      .selectFrom('serial_tickets')
      .selectAll()
      .where('hash', '=', key)
      .where('expires', '>=', tx.now)
      .executeTakeFirst();
    if (row === undefined) return null;
    await db.deleteFrom('serial_tickets').where('hash', '=', key).execute();
    const { vm, actor } = row;
    return { vm, actor, readonly: Number(row.readonly) === 1, relayed: Number(row.relayed) === 1 };
  });
}
