import type { FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Principal } from './principal.ts';
import { bearerOf } from './token.ts';

/** Whom a token stands for; null when it is not known. */
type ActorOf = (token: string) => Promise<Principal | null>;

/**
 * Who may ask for a route, beside people with a token. `host`: the session of a host, for what is its own; the route itself
 * checks what it is asked for. `anyone`: no token is asked for, or the route checks one of another kind.
 */
export type Opens = 'host' | 'anyone';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Missing: people only. */
    readonly opens?: Opens;
  }
  interface FastifyRequest {
    /** Who asks; known after the token was checked. */
    actor: string;
    /** The host whose session asks; null when it is none. */
    fromHost: string | null;
  }
}

/**
 * The one place that lets requests through. A host's session opens what is marked as open to hosts, and of what has a host in
 * its path only its own; everything else is a person's. Errors: COAX_AUTH_MISSING, COAX_FORBIDDEN.
 */
export async function admit(request: FastifyRequest, actorOf: ActorOf): Promise<void> {
  const { opens } = request.routeOptions.config;
  if (opens === 'anyone') return;
  const token = bearerOf(request.headers.authorization);
  const principal = token === null ? null : await actorOf(token);
  if (principal === null) {
    const reason = token === null ? 'the request has no token' : 'the token is not known here';
    throw new CoaxError('COAX_AUTH_MISSING', reason);
  }
  const { actor, host } = principal;
  if (host !== null) {
    if (opens !== 'host') throw forbidden(host, 'this operation is for people');
    const { host: asked = host } = (request.params ?? {}) as { host?: string };
    if (asked !== host) throw forbidden(host, `this is of host ${asked}`);
  }
  request.actor = actor;
  request.fromHost = host;
}

/** Whether what the request was let in by still holds, when its answer was held for long. */
export async function isStillAdmitted(request: FastifyRequest, actorOf: ActorOf): Promise<boolean> {
  if (request.fromHost === null) return true;
  const token = bearerOf(request.headers.authorization);
  return token !== null && (await actorOf(token))?.host === request.fromHost;
}

export function forbidden(host: string, reason: string): CoaxError {
  return new CoaxError('COAX_FORBIDDEN', `the session of host ${host} does not open that: ${reason}`, {
    where: host,
  });
}
