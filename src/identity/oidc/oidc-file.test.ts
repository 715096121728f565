import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import { readOidcFile } from './oidc-file.ts';
import { personOf } from './person.ts';

const dir = mkdtempSync(join(tmpdir(), 'coax-oidc-file-'));
after(() => rmSync(dir, { recursive: true }));

function read(text: string) {
  const file = join(dir, 'oidc.yaml');
  writeFileSync(file, text);
  return readOidcFile(file);
}

test('what is left out is the usual', () => {
  const settings = read('{issuer: https://login.example.org/a, clientId: coax, scopes: [email]}');
  assert.deepEqual(settings, {
    name: 'login.example.org',
    issuer: 'https://login.example.org/a',
    clientId: 'coax',
    clientSecret: null,
    clientAuth: 'basic',
    scopes: ['openid', 'email'],
    claim: 'email',
    groups: null,
    cliClientId: 'coax',
    url: null,
    sessions: { lifeMs: 12 * 3_600_000, recheckMs: 15 * 60_000, uncheckedMs: 4 * 3_600_000 },
    roles: [],
  });
});

test('each fault of the file is told, and where it is', () => {
  const role = 'roles: [{claim: groups, value: a, role: worker, project: shop}]';
  for (const [text, place, reason] of [
    ['{issuer: http://login.example.org, clientId: coax}', 'oidc.yaml:1:10', /issuer: give an https/],
    ['{issuer: ftp://127.0.0.1, clientId: coax}', 'oidc.yaml:1:10', /issuer/],
    ['issuer: https://a.example', 'oidc.yaml', /`clientId` is missing/],
    [`issuer: https://a.example\nclientId: coax\n${role}`, 'oidc.yaml:3:41', /roles\.0\.role/],
    ['{issuer: https://a.example, clientId: coax, clientSecretFile: none}', 'none', /cannot be read/],
    ['{issuer: https://a.example, clientId: coax, sessions: {life: 0s}}', 'oidc.yaml:1:62', /sessions\.life/],
    ['issuer: [', 'oidc.yaml:1:10', /not YAML/],
  ] as const) {
    assert.throws(
      () => read(text),
      error => {
        assert.ok(isCoaxError(error, 'COAX_USAGE'));
        const { where, reason: told } = error.faults[0]!;
        assert.ok(where.endsWith(place), `${text}: ${where}`);
        assert.match(told, reason, text);
        return true;
      },
    );
  }
});

test('a claim counts where it is what the file says, an address only when it is verified', () => {
  const mapped = (claim: string, value: string) =>
    ({ claim, value, role: 'viewer', project: 'shop' }) as const;
  const settings = {
    claim: 'preferred_username',
    groups: 'groups',
    roles: [mapped('email', 'a@example.org'), mapped('staff', 'true')],
  };
  const claims = { sub: '7', preferred_username: 'ann', email: 'a@example.org', groups: ['x', 3, {}] };
  const person = personOf(claims, settings);
  assert.deepEqual(person, { actor: 'ann', subjects: ['ann', 'group:x', 'group:3'], grants: [] });
  const known = personOf({ ...claims, email_verified: true, staff: true }, settings);
  assert.equal(known.grants.length, 2);
  for (const name of ['sa/ci', 'group:x', 'admin', 'coax', '*', 'sub=8', 'a b', 'a\u202eb'])
    assert.throws(
      () => personOf({ ...claims, preferred_username: name }, settings),
      error => isCoaxError(error, 'COAX_LOGIN_FAILED'),
      name,
    );
});
