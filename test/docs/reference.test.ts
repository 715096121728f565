import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLI_PAGE, cliPage } from '../../scripts/docs/cli.ts';
import { ERRORS_PAGE, errorsPage } from '../../scripts/docs/errors.ts';
import { loadVerbs } from '../../src/cli/program.ts';
import { VERBS } from '../../src/cli/verbs.ts';
import { CODES } from '../../src/errors/codes.ts';

const MEND = '`npm run docs` writes it anew';

test('docs/reference/cli.md is what the table of verbs says', async () => {
  assert.equal(readFileSync(CLI_PAGE, 'utf8'), await cliPage(), MEND);
});

test('docs/reference/errors.md is what the table of codes says', () => {
  assert.equal(readFileSync(ERRORS_PAGE, 'utf8'), errorsPage(), MEND);
  for (const code of Object.keys(CODES)) assert.ok(errorsPage().includes(`### ${code}\n`), code);
});

test('every verb has at least two examples, each of itself', async () => {
  const loaded = await loadVerbs('all');
  assert.equal(loaded.size, VERBS.length);
  for (const { path } of VERBS) {
    const examples = loaded.get(path)!.examples.map(([command]) => command);
    assert.ok(examples.length >= 2, path);
    for (const example of examples) assert.ok(example.includes(`coax ${path}`), `${path}: ${example}`);
  }
});
