import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_PAGE, cliPage } from '../../scripts/docs/cli.ts';
import { ERRORS_PAGE, errorsPage } from '../../scripts/docs/errors.ts';
import { ENVIRONMENT } from '../../src/cli/environment.ts';
import { exitStatuses } from '../../src/cli/help.ts';
import { loadVerbs } from '../../src/cli/program.ts';
import { VERBS } from '../../src/cli/verbs.ts';
import { CODES } from '../../src/errors/codes.ts';
import { codeFiles, filesBeneath, isTest, ROOT } from '../house/tree.ts';

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

test('every variable that Coax reads stands in the reference', () => {
  // Between processes of ours, of tests, and what a step is given (docs/how-to/write-a-step.md).
  const inner = new Set(['COAX_COLORS', 'COAX_CRASH_AT', 'COAX_HOST']);
  const read = [
    ...codeFiles().filter(file => file.path.startsWith('src/') && !isTest(file)),
    ...filesBeneath('bin'),
  ]
    .flatMap(({ text }) => [...text.matchAll(/(?:\benv\.|\$\{)(COAX_[A-Z_]+)/g)].map(([, name]) => name!))
    .filter(name => !inner.has(name));
  assert.ok(new Set(read).size > 10);
  const told = new Set(ENVIRONMENT.flatMap(([names]) => names.match(/[A-Z_]+/g) ?? []));
  assert.deepEqual(
    [...new Set(read)].filter(name => !told.has(name)),
    [],
  );
});

test('every exit status of a verb stands in the table of all', async () => {
  const told = new Set(exitStatuses().map(([status]) => Number(status)));
  for (const [path, { statuses = [] }] of await loadVerbs('all'))
    for (const [status] of statuses) assert.ok(told.has(status), `${path}: ${status}`);
});

test('every series of /metrics stands in the guide for operators', () => {
  const series = readFileSync(join(ROOT, 'src/access/metrics/metrics-page.ts'), 'utf8').match(
    /(?<=')coax_[a-z_]+(?=')/g,
  );
  const page = readFileSync(join(ROOT, 'docs/how-to/operate.md'), 'utf8');
  assert.ok(new Set(series).size > 10);
  assert.deepEqual(
    [...new Set(series)].filter(name => !page.includes(`\`${name}`)),
    [],
  );
});
