/** Pages that are made from the code are as the code is now; `npm run docs` writes them anew. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_PAGE, cliPage } from '../../scripts/docs/cli.ts';
import { ERRORS_PAGE, errorsPage } from '../../scripts/docs/errors.ts';
import { page as flow } from '../../scripts/docs/flow.ts';
import { page as ledger } from '../../scripts/docs/ledger.ts';
import { page as message } from '../../scripts/docs/message.ts';
import { ROOT } from '../../scripts/docs/page.ts';
import { page as stateMachine } from '../../scripts/docs/state-machine.ts';
import { page as workerProtocol } from '../../scripts/docs/worker-protocol.ts';
import { describeApi } from '../../src/access/describe/describe-api.ts';

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/openapi.json': describeApi,
  [CLI_PAGE.slice(ROOT.length + 1)]: cliPage,
  [ERRORS_PAGE.slice(ROOT.length + 1)]: errorsPage,
  ...Object.fromEntries(
    [message, ledger, flow, stateMachine, workerProtocol].map(({ path, text }) => [path, text]),
  ),
};

for (const [path, make] of Object.entries(pages)) {
  test(`${path} is current`, async () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), await make(), 'run `npm run docs`');
  });
}

test('every page of docs/reference is made from the code', () => {
  for (const name of readdirSync(join(ROOT, 'docs/reference')))
    assert.ok(Object.hasOwn(pages, `docs/reference/${name}`), name);
});
