import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { readConfig } from '../../config-file/read-config.ts';
import { CoaxError, type Fault, textOf } from '../../errors/coax-error.ts';
import { parseDuration } from '../../flow/duration.ts';
import { SESSION_MS, type SessionTimes } from '../login-sessions.ts';
import type { Grant } from '../principal.ts';

const LENGTH_MAX_MS = 30 * 86_400_000;
const RECHECK_MS = 15 * 60_000;
const UNCHECKED_MS = 4 * 3_600_000;
const HINT = 'issuer: https://login.example.org, clientId: coax, clientSecretFile: oidc-secret';

/** Codes and passwords of people go over that address, so it is TLS, or does not leave this machine. */
const Address = z
  .url({ protocol: /^https?$/ })
  .refine(isProtected, 'give an https address; http is for loopback alone');
const Claim = z.string().min(1).max(200);
const Mapped = z.strictObject({
  claim: Claim,
  value: z.union([z.string(), z.number(), z.boolean()]).transform(String),
  role: z.enum(['viewer', 'operator', 'admin']),
  project: z
    .string()
    .regex(/^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$/, 'give a project, or "*" for the installation'),
});
const Length = z
  .string()
  .transform(text => parseDuration(text) ?? 0)
  .refine(ms => ms >= 1000 && ms <= LENGTH_MAX_MS, 'give a length of time from 1s to 30d, as 15m');
const OidcText = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  issuer: Address,
  clientId: z.string().min(1),
  clientSecretFile: z.string().min(1).optional(),
  clientAuth: z.enum(['basic', 'post']).default('basic'),
  cliClientId: z.string().min(1).optional(),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(['openid', 'email', 'profile']),
  claim: Claim.default('email'),
  groups: Claim.optional(),
  url: Address.optional(),
  sessions: z
    .strictObject({ life: Length.optional(), recheck: Length.optional(), unchecked: Length.optional() })
    .default({}),
  roles: z.array(Mapped).max(1000).default([]),
});

/** Whoever has that value in that claim has that role there. */
export interface MappedRole extends Grant {
  readonly claim: string;
  readonly value: string;
}

/** How people log in by a provider of OpenID Connect. */
export interface OidcSettings {
  /** As people know the provider. */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, by PKCE alone. */
  readonly clientSecret: string | null;
  /** The public client that command lines are at the provider (`coax login`); null if there is none. */
  readonly cliClientId: string | null;
  /** How the secret is sent: in a header, or in the body. */
  readonly clientAuth: 'basic' | 'post';
  readonly scopes: readonly string[];
  /** The claim that names a person. */
  readonly claim: string;
  /** The claim that lists a person's groups, each of which counts as `group:NAME`; null if none does. */
  readonly groups: string | null;
  /** Where browsers reach the server; null: where they say that they do. */
  readonly url: string | null;
  readonly sessions: SessionTimes;
  readonly roles: readonly MappedRole[];
}

/** Reads the file of `coax up --oidc`. Errors: COAX_USAGE with every fault. */
export function readOidcFile(file: string): OidcSettings {
  const config = readConfig(textIn(file, 'the file'), file, OidcText);
  if ('faults' in config) throw invalid(file, config.faults);
  const { name, clientSecretFile, cliClientId, groups, url, scopes, sessions, ...rest } = config.value;
  return {
    ...rest,
    name: name ?? new URL(rest.issuer).host,
    scopes: [...new Set(['openid', ...scopes])],
    groups: groups ?? null,
    sessions: {
      lifeMs: sessions.life ?? SESSION_MS,
      recheckMs: sessions.recheck ?? RECHECK_MS,
      uncheckedMs: sessions.unchecked ?? UNCHECKED_MS,
    },
    // Without a secret, the client of the console is one that command lines can be, too.
    cliClientId: cliClientId ?? (clientSecretFile === undefined ? rest.clientId : null),
    url: url === undefined ? null : new URL(url).origin,
    clientSecret: clientSecretFile === undefined ? null : secretIn(resolve(dirname(file), clientSecretFile)),
  };
}

function secretIn(file: string): string {
  const secret = textIn(file, 'the client secret').trim();
  if (secret === '') throw invalid(file, [{ where: file, reason: 'the client secret is empty' }]);
  return secret;
}

function textIn(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalid(file, [{ where: file, reason: `${what} cannot be read: ${textOf(cause)}` }]);
  }
}

function isProtected(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function invalid(file: string, faults: readonly Fault[]): CoaxError {
  const [first] = faults;
  return new CoaxError('COAX_USAGE', `--oidc: ${first?.reason}`, {
    where: first?.where ?? file,
    faults,
    hint: HINT,
  });
}
