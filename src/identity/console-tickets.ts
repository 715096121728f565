import { randomBytes } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { SESSION_MS } from './login-sessions.ts';
import { identityTables } from './schema.ts';
import { tokenHash } from './tokens.ts';

/** A browser must come within so long. */
const TICKET_MS = 60_000;

/** The session that a ticket was traded for. */
export interface TicketSession {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/**
 * Tickets by which a browser is let in as whoever asked for one: good once, for a minute, at every server of the store. Of each
 * only the hash is kept.
 */
export class ConsoleTickets {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * A ticket for who shows `given`, an API token (`isToken`) or a login session; null when that session is over. What it is traded for
   * opens what `given` opens, and no longer.
   */
  async issue(
    given: string,
    actor: string,
    isToken: boolean,
  ): Promise<{ text: string; expires: number } | null> {
    const text = `coax_ticket_${randomBytes(32).toString('base64url')}`;
    return this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      await db.deleteFrom('console_tickets').where('expires', '<=', tx.now).execute();
      const until = tx.now + SESSION_MS;
      const session = isToken
        ? { actor, token: tokenHash(given), parent: '', hash: '', expires: until, ends: until }
        : await db
            .selectFrom('login_sessions')
            .selectAll()
            .where('hash', '=', tokenHash(given))
            .where('expires', '>', tx.now)
            .executeTakeFirst();
      if (session === undefined) return null;
      const expires = tx.now + TICKET_MS;
      await db
        .insertInto('console_tickets')
        .values({
          hash: tokenHash(text),
          actor: session.actor,
          // Who that is now, the token or the session says each time that somebody asks.
          ...{ subjects: '[]', grants: '[]' },
          token: session.token,
          parent: session.parent || session.hash,
          session_expires: Math.max(Number(session.expires), Number(session.ends)),
          expires,
        })
        .execute();
      return { text, expires };
    });
  }

  /** As whom it lets in; null when it is not good. */
  async actorOf(text: string): Promise<string | null> {
    const row = await identityTables(this.#store.reader)
      .selectFrom('console_tickets')
      .select(['actor', 'expires'])
      .where('hash', '=', tokenHash(text))
      .executeTakeFirst();
    return row === undefined || Number(row.expires) <= this.#store.now() ? null : row.actor;
  }

  /** Opens the session, once; null when the ticket is not good any more. */
  async trade(text: string): Promise<TicketSession | null> {
    const session = `coax_login_${randomBytes(32).toString('base64url')}`;
    return this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      // Of two that come at once, one deletes it.
      const ticket = await db
        .deleteFrom('console_tickets')
        .where('hash', '=', tokenHash(text))
        .returningAll()
        .executeTakeFirst();
      if (ticket === undefined || Number(ticket.expires) <= tx.now) return null;
      const { actor, subjects, grants, token, parent } = ticket;
      const expires = Math.min(Number(ticket.session_expires), tx.now + SESSION_MS);
      const hash = tokenHash(session);
      await db
        .insertInto('login_sessions')
        .values({
          ...{ hash, actor, subjects, grants, token, parent, created: tx.now, expires, ends: expires },
          ...{ refresh: '', looked: 0, looking: 0 },
        })
        .execute();
      return { text: session, expires };
    });
  }
}
