import { hash } from 'node:crypto';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { CoaxError } from '../../errors/coax-error.ts';
import { canonical } from '../../message/canonical.ts';
import type { Json } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import { waitMsOf } from '../events/hold.ts';

/** An answer is given again for so long. */
const KEPT_MS = 24 * 3_600_000;
/** A request that is under way for longer (beside what it asked to be held) has lost its server. */
const BUSY_MS = 300_000;
const PENDING = 0;

interface Tables {
  answers: {
    key: string;
    request: string;
    status: number;
    headers: string;
    body: string;
    busy_until: number;
    expires: number;
  };
}

/**
 * What a repeated POST comes to. `key`: with an Idempotency-Key the first answer is given again. `own`: the same, and the
 * operation sees to it by itself. `secret`: the answer holds a secret and is not kept, so a repeat is refused. `harmless`: it
 * changes nothing that a late repeat could change back, so no key is needed.
 */
export type Repeat = 'key' | 'own' | 'secret' | 'harmless';

declare module 'fastify' {
  interface FastifyRequest {
    /** The key under which the answer to this request is to be kept; null when none is. */
    keptUnder: string | null;
  }
}

/** What a repeat of a POST comes to: what only looks, and what workers do under their fences, is harmless. */
export function repeatOf({ repeat, needs, opens }: FastifyContextConfig): Repeat {
  if (repeat !== undefined) return repeat;
  return needs === 'view' || needs === 'work' || opens === 'anyone' ? 'harmless' : 'key';
}

/** The key of a request; undefined when it has none. Errors: COAX_MESSAGE_INVALID. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  // The draft standard writes it as a quoted string; most clients do not.
  const key = String(header).replace(/^"(.*)"$/, '$1');
  if (/^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new CoaxError('COAX_MESSAGE_INVALID', 'Idempotency-Key is not 1 to 200 visible ASCII characters', {
    where: 'Idempotency-Key',
  });
}

/**
 * Answers a request whose key was used before, and else takes the key for it. Errors: COAX_IDEMPOTENCY_CONFLICT when another
 * request had the key, when the first one is still under way, and when its answer held a secret, which is not kept.
 */
export async function repeatAnswer(
  store: Store,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const repeat = repeatOf(request.routeOptions.config);
  if (request.method !== 'POST' || repeat === 'own' || repeat === 'harmless') return undefined;
  const given = idempotencyKeyOf(request);
  if (given === undefined) return undefined;
  // Everybody has keys of their own.
  const key = hash('sha256', JSON.stringify([request.actor, given]));
  const what = hash('sha256', `${request.url}\n${canonical((request.body ?? {}) as Json)}`);
  const first = await takeKey(store, key, what, BUSY_MS + waitMsOf(request, undefined));
  if (first === null) {
    request.keptUnder = key;
    return undefined;
  }
  if (first.request !== what) throw conflict(given, 'came with another request before');
  if (first.status === PENDING) {
    throw new CoaxError('COAX_IDEMPOTENCY_CONFLICT', `the first request with the key ${given} is under way`, {
      hint: 'Send it again a little later.',
      retryAfterMs: 1000,
    });
  }
  if (repeat === 'secret') throw conflict(given, 'was answered before, with a secret that is not kept');
  reply.code(first.status).headers({ ...JSON.parse(first.headers), 'idempotent-replayed': 'true' });
  return reply.type('application/json').send(first.body);
}

const conflict = (key: string, what: string): CoaxError =>
  new CoaxError('COAX_IDEMPOTENCY_CONFLICT', `the key ${key} ${what}`);

/** Null when the key is now this request's. */
async function takeKey(
  store: Store,
  key: string,
  request: string,
  busyMs: number,
): Promise<Tables['answers'] | null> {
  return store.transact(async ({ db: anyDb, now }) => {
    const db = anyDb as Kysely<Tables>;
    await db.deleteFrom('answers').where('expires', '<=', now).execute();
    await db
      .deleteFrom('answers')
      .where('key', '=', key)
      .where('status', '=', PENDING)
      .where('busy_until', '<=', now)
      .execute();
    const row = { key, request, status: PENDING, headers: '{}', body: '', busy_until: now + busyMs };
    const taken = await db
      .insertInto('answers')
      .values({ ...row, expires: now + busyMs + KEPT_MS })
      .onConflict(conflict => conflict.column('key').doNothing())
      .returning('key')
      .execute();
    if (taken.length > 0) return null;
    return (await db.selectFrom('answers').selectAll().where('key', '=', key).executeTakeFirst()) ?? null;
  });
}

/** Keeps the answer of a request that took a key; what was refused frees the key, since nothing was done. */
export async function keepAnswer(
  store: Store,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<void> {
  const { keptUnder: key } = request;
  if (key === null) return;
  request.keptUnder = null;
  const isSecret = repeatOf(request.routeOptions.config) === 'secret';
  const location = reply.getHeader('location');
  await store.transact(async ({ db: anyDb }) => {
    const db = anyDb as Kysely<Tables>;
    if (reply.statusCode >= 300) {
      await db.deleteFrom('answers').where('key', '=', key).execute();
      return;
    }
    const body = isSecret || typeof payload !== 'string' ? '' : payload;
    const headers = JSON.stringify(location === undefined ? {} : { location });
    await db
      .updateTable('answers')
      .set({ status: reply.statusCode, headers, body })
      .where('key', '=', key)
      .execute();
  });
}
