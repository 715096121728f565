/** Every error is in the one table, is raised somewhere, and is explained in the reference. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODES, KINDS } from '../../src/errors/codes.ts';
import { codeFiles, isTest, ROOT } from './tree.ts';

const CODE = /\bCOAX_[A-Z]+(?:_[A-Z]+)*\b/g;
const TABLE = 'src/errors/codes.ts';
/** Names that begin so and are no errors: the environment's. */
const ENVIRONMENT =
  /^COAX_(DATA|STORE|URL|PROJECT|TOKEN|LISTEN|NODE|LONG|MODE|KEY|FENCE|MSGID|STEP|ATTEMPT|HOST|PARAM|OUTPUT|DEBUG|CONTEXT|CONFIG|DAEMON_LOG|CGROUP|CACHE|COMPLETION_MS|SECRET_KEY_FILE|JOIN_TOKEN)/;

const sources = codeFiles().filter(
  file => file.path.startsWith('src/') && !isTest(file) && file.path !== TABLE,
);

test('every code of the table is raised somewhere', () => {
  const raised = new Set(sources.flatMap(({ text }) => text.match(CODE) ?? []));
  assert.deepEqual(
    Object.keys(CODES).filter(code => !raised.has(code)),
    [],
  );
});

test('no code outside the table', () => {
  const strangers = sources.flatMap(({ path, text }) =>
    [...new Set(text.match(/'COAX_[A-Z_]+'/g) ?? [])]
      .map(quoted => quoted.slice(1, -1))
      .filter(code => !Object.hasOwn(CODES, code) && !ENVIRONMENT.test(code))
      .map(code => `${path}: ${code}`),
  );
  assert.deepEqual(strangers, []);
});

test('every code says when it is raised and what to do, and stands in the reference', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8');
  for (const [code, { about, hint, kind }] of Object.entries(CODES)) {
    assert.ok(about.length > 10 && hint.length > 4, code);
    assert.ok(Object.hasOwn(KINDS, kind), code);
    assert.ok(page.includes(code), `docs/reference/errors.md lacks ${code}`);
  }
});

test('a code that the docs name exists', async () => {
  const { filesBeneath } = await import('./tree.ts');
  const strangers = filesBeneath('docs').flatMap(({ path, text }) =>
    (text.match(CODE) ?? [])
      .filter(code => !Object.hasOwn(CODES, code) && !ENVIRONMENT.test(code))
      .map(code => `${path}: ${code}`),
  );
  assert.deepEqual(strangers, []);
});
