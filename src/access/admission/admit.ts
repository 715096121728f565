import type { FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';
import { INSTALLATION, may, type Need, type Principal, projectsWith } from '../../identity/principal.ts';
import { credentialOf } from './credential.ts';

/** Whom a token stands for; null when it is not known. No promise where that is known at once. */
export type ActorOf = (token: string) => Principal | null | Promise<Principal | null>;

/**
 * Who may ask for a route, beside those whose roles open it. `host`: the session of a host, for what is its own; the route
 * itself checks what it is asked for. `known`: every good token, whatever its roles. `anyone`: no token is asked for, or the route checks one of another kind.
 */
export type Opens = 'host' | 'known' | 'anyone';

/**
 * `installation`: the role must be one for the whole installation. `project`: a role in any project lets the request in, and
 * the route asks `access-to.ts` about the project of each thing that it shows or touches.
 */
export type Scope = 'project' | 'installation';

/** What a route says of itself; what says nothing is for admins of the installation. */
export interface Mark {
  readonly opens?: Opens;
  readonly needs?: Need;
  readonly scope?: Scope;
}

declare module 'fastify' {
  interface FastifyContextConfig extends Mark {
    /** What a route says of one request, where that is not the same for all. */
    readonly markOf?: (request: FastifyRequest) => Mark;
  }
  interface FastifyRequest {
    /** Who asks, as it stands in the ledger; known after the token was checked. */
    actor: string;
    /** Who asks, with what it may do. */
    principal: Principal;
    /** The host whose session asks; null when it is none. */
    fromHost: string | null;
  }
}

/** Before anybody is known. */
const NOBODY: Principal = { actor: '', host: null, grants: [] };

/** What the route asks for; nothing said is the most. */
export function needOf({ needs = 'admin' }: Mark): Need {
  return needs;
}

/**
 * The one place that lets requests through. A host's session opens what is marked as open to hosts, and of what has a host in
 * its path only its own; all others need a role that opens what the route is marked with. Nothing is waited for where it is known at once
 * who asks. Errors: COAX_AUTH_MISSING, COAX_FORBIDDEN.
 */
export function admit(
  request: FastifyRequest,
  actorOf: ActorOf,
  mark: Mark = markOf(request),
): Promise<void> | undefined {
  request.principal = NOBODY;
  if (mark.opens === 'anyone') return undefined;
  const credential = credentialOf(request);
  if (credential === null) throw new CoaxError('COAX_AUTH_MISSING', 'the request has no token');
  const principal = actorOf(credential.text);
  if (principal instanceof Promise) return principal.then(found => letIn(request, mark, found));
  letIn(request, mark, principal);
  return undefined;
}

function letIn(request: FastifyRequest, mark: Mark, principal: Principal | null): void {
  if (principal === null) throw new CoaxError('COAX_AUTH_MISSING', 'the token is not known here');
  const { actor, host } = principal;
  if (host !== null && mark.opens !== 'known') {
    if (mark.opens !== 'host') throw forbidden(host, 'this operation is for people');
    const { host: asked = host } = (request.params ?? {}) as { host?: string };
    if (asked !== host) throw forbidden(host, `this is of host ${asked}`);
  } else if (mark.opens !== 'known') assertRole(principal, mark);
  request.actor = actor;
  request.principal = principal;
  request.fromHost = host;
}

function markOf(request: FastifyRequest): Mark {
  const { config } = request.routeOptions;
  return config.markOf?.(request) ?? config;
}

function assertRole(principal: Principal, mark: Mark): void {
  const need = needOf(mark);
  if (may(principal, need, INSTALLATION)) return;
  if (mark.scope === 'project' && projectsWith(principal, need)?.length !== 0) return;
  const reason =
    mark.scope === 'project'
      ? `may ${VERB[need]} in no project`
      : `may not ${VERB[need]} for the whole installation`;
  throw new CoaxError('COAX_FORBIDDEN', `${principal.actor} ${reason}`, { where: principal.actor });
}

/** As people read it in a refusal. */
export const VERB: Readonly<Record<Need, string>> = {
  view: 'look at things',
  work: 'do steps',
  operate: 'submit and decide',
  admin: 'give rights',
};

/** Whether what the request was let in by still holds, when its answer was held for long. */
export async function isStillAdmitted(request: FastifyRequest, actorOf: ActorOf): Promise<boolean> {
  const text = credentialOf(request)?.text;
  const principal = text === undefined ? null : await actorOf(text);
  if (principal === null || principal.host !== request.fromHost) return false;
  if (principal.host !== null) return true;
  // Whatever it was let in for it must still reach all of.
  const need = needOf(request.routeOptions.config);
  const now = projectsWith(principal, need);
  const before = projectsWith(request.principal, need);
  return now === null || (before?.every(project => now.includes(project)) ?? false);
}

export function forbidden(host: string, reason: string): CoaxError {
  return new CoaxError('COAX_FORBIDDEN', `the session of host ${host} does not open that: ${reason}`, {
    where: host,
  });
}
