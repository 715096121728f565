import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CoaxError } from '../../errors/coax-error.ts';
import { didYouMean } from '../../errors/nearest.ts';

/**
 * `?fields=name,state` on a list: only these members of each item go out. The members that there are stand in the schema of
 * the route's answer. Errors: COAX_MESSAGE_INVALID for one that an item never has.
 */
export function onlyFields(request: FastifyRequest, payload: unknown): unknown {
  const { fields } = (request.query ?? {}) as { fields?: unknown };
  if (request.method !== 'GET' || typeof fields !== 'string' || !isList(payload)) return payload;
  const known = membersOf(request);
  const wanted = fields.split(',').map(name => name.trim());
  for (const name of wanted) if (known !== null && !known.includes(name)) throw noMember(name, known);
  const pick = (item: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(wanted.filter(name => Object.hasOwn(item, name)).map(name => [name, item[name]]));
  return { ...payload, items: payload.items.map(pick) };
}

function isList(payload: unknown): payload is { items: Readonly<Record<string, unknown>>[] } {
  return (
    typeof payload === 'object' && payload !== null && 'items' in payload && Array.isArray(payload.items)
  );
}

/** Null when the route says nothing of its items. */
function membersOf(request: FastifyRequest): readonly string[] | null {
  const response = request.routeOptions.schema?.response as Readonly<Record<string, unknown>> | undefined;
  const answer = response?.[200];
  const items = answer instanceof z.ZodObject ? (answer.shape as Record<string, unknown>).items : null;
  const item = items instanceof z.ZodArray ? items.element : null;
  return item instanceof z.ZodObject ? Object.keys(item.shape) : null;
}

function noMember(name: string, known: readonly string[]): CoaxError {
  const reason = `the items of this list have no member "${name}"${didYouMean(name, known)}`;
  return new CoaxError('COAX_MESSAGE_INVALID', reason, { where: '/fields' });
}
