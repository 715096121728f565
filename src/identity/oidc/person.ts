import { CoaxError } from '../../errors/coax-error.ts';
import { type Grant, INSTALLATION } from '../principal.ts';
import type { OidcSettings } from './oidc-file.ts';

/** What the provider says of somebody; `sub` is who that is, for good. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

export interface Person {
  /** As they stand in the ledger, and in `coax role grant`. */
  readonly actor: string;
  /** Whose role bindings count. */
  readonly subjects: readonly string[];
  /** What the mapping of claims gives. */
  readonly grants: readonly Grant[];
}

/** As role bindings take the name of a person: none that a token, an account, a host or a group has. */
const NAME = /^[^\s\p{C}:/]{1,200}$/u;
/** Who stands in the ledger under that name is not a person. */
const TAKEN = new Set(['admin', 'coax', INSTALLATION]);
/** Marks the names of those who have none but the provider's own. */
const BY_SUB = 'sub=';

/**
 * Who somebody is here. An e-mail address that the provider has not verified names nobody, for its owner may be another; then,
 * as without the claim, the provider's own identifier does, as `sub=…`. Errors: COAX_LOGIN_FAILED.
 */
export function personOf(claims: Claims, settings: Pick<OidcSettings, 'claim' | 'groups' | 'roles'>): Person {
  const actor = nameOf(claims, settings.claim);
  const groups = settings.groups === null ? [] : valuesOf(claims[settings.groups]);
  const grants = settings.roles
    .filter(({ claim, value }) => isTrusted(claims, claim) && valuesOf(claims[claim]).includes(value))
    .map(({ project, role }) => ({ project, role }));
  return { actor, subjects: [actor, ...groups.map(group => `group:${group}`)], grants };
}

function nameOf(claims: Claims, claim: string): string {
  const given = claims[claim];
  const named = claim !== 'sub' && typeof given === 'string' && given !== '' && isTrusted(claims, claim);
  const name = named ? given : `${BY_SUB}${claims.sub}`;
  if (NAME.test(name) && !TAKEN.has(name) && named !== name.startsWith(BY_SUB)) return name;
  throw new CoaxError('COAX_LOGIN_FAILED', `"${name}" cannot be the name of a person here`, {
    where: claim,
    hint: 'Names have no spaces, colons or slashes, and are not those of Coax itself. `claim` in the file of `coax up --oidc` chooses another claim.',
  });
}

/** An e-mail address counts only when the provider knows that it is theirs. */
function isTrusted(claims: Claims, claim: string): boolean {
  return claim !== 'email' || claims.email_verified === true;
}

/** One value or a list of them. */
function valuesOf(claim: unknown): string[] {
  const values = Array.isArray(claim) ? claim : [claim];
  return values.filter(value => ['string', 'number', 'boolean'].includes(typeof value)).map(String);
}
