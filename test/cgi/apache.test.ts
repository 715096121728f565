/** The same scripts by Debian's Apache with mod_cgi and by Coax: the same answers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Apache } from './apache.ts';
import { type Answer, ask, CgiWorld } from './cgi-fixture.ts';

const world = new CgiWorld();
const apache = new Apache(world.bin);
before(async () => {
  world.script('cgi.yaml', `needs: anyone\ndocuments: ${apache.documents}\n`, 0o644);
  await Promise.all([world.start(), apache.start()]);
});
after(async () => {
  await apache.close();
  await world.close();
});

/** What a server says of itself and of its connection; who made the request id. */
const OF_SERVER = new Set([
  'date',
  'server',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'vary',
  'accept-ranges',
  'x-request-id',
  'x-content-type-options',
]);

function essence({ status, headers, body }: Answer) {
  const kept = Object.entries(headers).filter(([name]) => !OF_SERVER.has(name));
  return { status, headers: Object.fromEntries(kept.sort()), body };
}

const ANSWERS = [
  ...['plain', 'crlf', 'created', 'teapot', 'gone', 'empty', 'cookies', 'client-document'],
  ...['status-and-path', 'local', 'unmodified', 'long', 'utf8'],
];
const cases: [string, string, Parameters<typeof ask>[2]?][] = [
  ...ANSWERS.map((query): [string, string] => [`answer ${query}`, `answer.py?${query}`]),
  ['words of a query', 'words.sh?one+two%20words'],
  ['no words of a form', 'words.sh?a=b+c'],
  ['a form in the query', 'form.pl?name=O%27Hara&city=Gro%C3%9F+Kiesow'],
  ['a form in the body', 'form.pl', { body: 'a=1&b=%26' }],
  ['an upload', 'upload.py', { body: Buffer.alloc(300_000, 'x'), headers: { 'content-type': 'x/y' } }],
  ['HEAD', 'answer.py?plain', { method: 'HEAD' }],
];
for (const [what, path, options] of cases) {
  test(`${what}: the same answer`, async () => {
    const url = `/cgi-bin/${path}`;
    assert.deepEqual(
      essence(await ask(world.url, url, options)),
      essence(await ask(apache.url, url, options)),
    );
  });
}

for (const missing of ['nothing', 'variables.pl/a%2fb'])
  test(`${missing}: the same refusal`, async () => {
    const url = `/cgi-bin/${missing}`;
    assert.equal((await ask(world.url, url)).status, (await ask(apache.url, url)).status);
  });

test('a Location elsewhere without a document: the same, but that Apache adds a page of its own', async () => {
  const [ours, theirs] = await Promise.all(
    [world.url, apache.url].map(url => ask(url, '/cgi-bin/answer.py?client')),
  );
  assert.deepEqual([ours?.status, ours?.headers.location], [theirs?.status, theirs?.headers.location]);
});

test('the meta-variables are the same, but for what is each server’s own', async () => {
  const own =
    /^(SERVER_(SOFTWARE|PORT|SIGNATURE|ADMIN)|REMOTE_(PORT|HOST)|PATH|CONTEXT_.*|UNIQUE_ID|HTTP_CONNECTION|HTTP_HOST)=/;
  const headers = { 'x-one': ['a', 'b'], 'accept-language': 'zh', proxy: 'evil', host: 'cloud.example' };
  const tell = async (url: string): Promise<string[]> =>
    (await ask(url, '/cgi-bin/variables.pl/this%2ethat/the%20other?q=%20', { headers })).body
      .split('\n')
      .filter(line => line !== '' && !own.test(line))
      .sort();
  assert.deepEqual(await tell(world.url), await tell(apache.url));
});
