/** The examples of the API run as they stand, against a server of their own; so does the typed client as a user imports it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { CoaxError, makeClient } from 'coax/client';
import { openServed, type Served, TOKEN } from './access-fixture.ts';

const run = promisify(execFile);
const EXAMPLES = join(import.meta.dirname, '../../examples');
let served: Served;
before(async () => {
  served = await openServed();
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

async function example(file: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, COAX_URL: served.url, COAX_TOKEN: TOKEN };
  const { stdout } = await run(join(EXAMPLES, file), args, { env, timeout: 60_000 });
  return stdout;
}

test('curl: submitted, found by its label, removed under its ETag', async () => {
  assert.match(
    await example('submit.sh', 'by-curl'),
    /^"msgid":\d+\n"state":"running"\n"status":"rolled_back"\n$/,
  );
});

test('Python: many at once, followed by events, paged by label, walked back', async () => {
  const lines = (await example('submit.py', '3')).trim().split('\n');
  assert.equal(lines.length, 7);
  for (const line of lines.slice(0, 3))
    assert.match(line, /^\d+ did 4 steps, the last one resource update_info$/);
  assert.equal(lines[3], '3 found by their label, 3 done');
  for (const line of lines.slice(4)) assert.match(line, /^\d+ rolled_back$/);
});

test('Python: a refusal is told by its code', async () => {
  const env = { PATH: process.env.PATH, COAX_URL: served.url, COAX_TOKEN: 'coax_wrong' };
  await assert.rejects(
    run(join(EXAMPLES, 'submit.py'), ['1'], { env }),
    (error: Error & { stderr?: string }) => /COAX_AUTH_MISSING: /.test(error.stderr ?? ''),
  );
});

test('the typed client is imported as coax/client', async () => {
  const client = makeClient({ url: served.url, token: TOKEN });
  try {
    const { msgid } = await client.submit({
      flow: 'create_vm',
      parameters: { cpu: 1, mem: 128, name: 'typed' },
    });
    assert.equal((await client.waitFor(msgid)).status, 'done');
    await assert.rejects(
      client.vm('nobody'),
      error => error instanceof CoaxError && error.kind === 'not_found',
    );
  } finally {
    client.close();
  }
});

test('a page says where the next one is', async () => {
  const get = (path: string) => fetch(served.url + path, { headers: { authorization: `Bearer ${TOKEN}` } });
  const seen: number[] = [];
  let path: string | undefined = '/v1/messages?limit=2&status=done';
  while (path !== undefined) {
    const answer: Response = await get(path);
    const { items } = (await answer.json()) as { items: { msgid: number }[] };
    seen.push(...items.map(({ msgid }) => msgid));
    path = /^<(\/v1\/messages\?[^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
    if (path !== undefined) assert.match(path, /limit=2&status=done&cursor=/);
  }
  const all = await served.client.messages({ status: 'done', limit: 1000 });
  assert.deepEqual(
    seen,
    all.items.map(({ msgid }) => msgid),
  );
});
