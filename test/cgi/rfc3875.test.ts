import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gone } from '../../src/testing/process-lives.ts';
import { type Answer, ask, CgiWorld } from './cgi-fixture.ts';

const world = new CgiWorld();
before(() => world.start());
after(() => world.close());

const variables = (answer: Answer): Map<string, string> =>
  new Map(
    answer.body
      .split('\n')
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
const problem = (answer: Answer) => {
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  return JSON.parse(answer.body) as { code: string; detail: string; status: number };
};
const until = async (is: () => boolean): Promise<void> => {
  while (!is()) await new Promise(resolve => setTimeout(resolve, 10));
};

describe('meta-variables (RFC 3875, 4.1)', () => {
  test('a plain GET has those that every request has, and no others', async () => {
    const got = variables(await world.ask('variables.pl', { headers: { host: 'cloud.example:8443' } }));
    assert.equal(got.get('GATEWAY_INTERFACE'), 'CGI/1.1');
    assert.match(got.get('SERVER_SOFTWARE')!, /^Coax\/\d/);
    assert.equal(got.get('SERVER_PROTOCOL'), 'HTTP/1.1');
    assert.equal(got.get('SERVER_NAME'), 'cloud.example');
    assert.equal(got.get('SERVER_PORT'), new URL(world.url).port);
    assert.equal(got.get('REQUEST_METHOD'), 'GET');
    assert.equal(got.get('SCRIPT_NAME'), '/cgi-bin/variables.pl');
    assert.equal(got.get('QUERY_STRING'), '');
    assert.equal(got.get('REMOTE_ADDR'), '127.0.0.1');
    assert.equal(got.get('REMOTE_HOST'), '127.0.0.1');
    assert.equal(got.get('REMOTE_USER'), 'admin');
    assert.equal(got.get('AUTH_TYPE'), 'Bearer');
    for (const absent of ['PATH_INFO', 'PATH_TRANSLATED', 'CONTENT_LENGTH', 'CONTENT_TYPE', 'HTTPS', 'HOME'])
      assert.equal(got.has(absent), false, absent);
  });

  test('PATH_INFO is decoded, PATH_TRANSLATED is where it lies, QUERY_STRING stays as it came', async () => {
    const got = variables(await world.ask('variables.pl/this%2ethat%3b/the%20other?a=%20b&c=d+e'));
    assert.equal(got.get('PATH_INFO'), '/this.that;/the other');
    assert.equal(got.get('PATH_TRANSLATED'), join(world.bin, '/this.that;/the other'));
    assert.equal(got.get('QUERY_STRING'), 'a=%20b&c=d+e');
    assert.equal(got.get('REQUEST_URI'), '/cgi-bin/variables.pl/this%2ethat%3b/the%20other?a=%20b&c=d+e');
    assert.equal(got.get('SCRIPT_NAME'), '/cgi-bin/variables.pl');
  });

  test('headers become HTTP_ variables; what shows who asks, and what would be taken for a setting, does not', async () => {
    const headers = {
      'x-one': ['a', 'b'],
      'accept-language': 'zh',
      proxy: 'http://evil.example',
      'proxy-authorization': 'Basic x',
      x_under_score: 'spoofed',
      cookie: 'shop=1; coax_session=secret; lang=de',
      'x-utf8': Buffer.from('grüße').toString('latin1'),
    };
    const got = variables(await world.ask('variables.pl', { headers }));
    assert.equal(got.get('HTTP_X_ONE'), 'a, b');
    assert.equal(got.get('HTTP_ACCEPT_LANGUAGE'), 'zh');
    assert.equal(got.get('HTTP_COOKIE'), 'shop=1; lang=de');
    assert.equal(got.get('HTTP_X_UTF8'), 'grüße');
    for (const absent of [
      'HTTP_PROXY',
      'HTTP_AUTHORIZATION',
      'HTTP_PROXY_AUTHORIZATION',
      'HTTP_X_UNDER_SCORE',
    ])
      assert.equal(got.has(absent), false, absent);
    assert.equal(
      [...got.values()].some(value => value.includes(world.token)),
      false,
    );
  });

  test('nothing of the server’s own environment is there', async () => {
    const got = variables(await world.ask('variables.pl'));
    assert.equal(got.has('COAX_DATA'), false);
    assert.equal(got.get('PATH'), '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  });
});

describe('the body (RFC 3875, 4.2)', () => {
  const digest = (body: Buffer): string => createHash('sha256').update(body).digest('hex');
  for (const [what, bytes] of [
    ['small', 1000],
    ['larger than is kept in memory', 3_000_000],
  ] as const) {
    for (const chunked of [false, true]) {
      test(`${what}, ${chunked ? 'chunked' : 'with its length'}: CONTENT_LENGTH says how much there is`, async () => {
        const body = Buffer.alloc(bytes, 'coax');
        const answer = await world.ask('upload.py', { body, chunked, headers: { 'content-type': 'x/y' } });
        assert.deepEqual(JSON.parse(answer.body), {
          declared: bytes,
          bytes,
          rest: 0,
          type: 'x/y',
          sha256: digest(body),
        });
        const spool = join(world.dataDir, 'cgi');
        await until(() => !existsSync(spool) || readdirSync(spool).length === 0);
      });
    }
  }

  test('an empty one has length 0; a form is read by a script of 1995', async () => {
    const empty = await world.ask('variables.pl', { method: 'POST', headers: { 'content-length': '0' } });
    assert.equal(variables(empty).get('CONTENT_LENGTH'), '0');
    const form = await world.ask('form.pl', { body: 'name=O%27Hara&city=Gro%C3%9F+Kiesow' });
    assert.equal(form.body, "<dl>\n<dt>name</dt><dd>O'Hara</dd>\n<dt>city</dt><dd>Groß Kiesow</dd>\n</dl>\n");
  });

  test('one that is too large is refused, whether its length was told or not', async () => {
    world.script('cgi.yaml', 'bodyMib: 1\n', 0o644);
    const body = Buffer.alloc(1_500_000);
    const told = await world.ask('upload.py', { body });
    assert.deepEqual([told.status, problem(told).code], [413, 'COAX_MESSAGE_TOO_LARGE']);
    const untold = await world.ask('upload.py', { body, chunked: true }).catch(error => error as Error);
    assert.equal(untold instanceof Error || untold.status === 413, true);
    world.script('cgi.yaml', '', 0o644);
  });
});

describe('the command line (RFC 3875, 4.4)', () => {
  const cases: [string, string][] = [
    ['?one+two%20words+%3Bls', '3 words\n<one>\n<two words>\n<;ls>\n'],
    ['?a=b+c', '0 words\n'],
    ['', '0 words\n'],
    ['?%zz+b', '0 words\n'],
  ];
  for (const [query, words] of cases)
    test(`${query || 'no query'}`, async () =>
      assert.equal((await world.ask(`words.sh${query}`)).body, words));

  test('no shell reads the words', async () => {
    const { body } = await world.ask('words.sh?$(id)+`id`+*');
    assert.equal(body, '3 words\n<$(id)>\n<`id`>\n<*>\n');
  });

  test('a POST has none', async () => {
    assert.equal((await world.ask('words.sh?a+b', { body: '' })).body, '0 words\n');
  });
});

describe('answers (RFC 3875, 6)', () => {
  test('a document, with line feeds or with carriage returns too', async () => {
    const plain = await world.ask('answer.py?plain');
    assert.deepEqual(
      [plain.status, plain.body, plain.headers['content-type']],
      [200, 'plain\n', 'text/plain'],
    );
    const crlf = await world.ask('answer.py?crlf');
    assert.deepEqual([crlf.body, crlf.headers['x-kind']], ['crlf\r\n', 'crlf']);
    assert.deepEqual((await world.ask('answer.py?cookies')).headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal((await world.ask('answer.py?utf8')).body, 'grüße 你好\n');
  });

  test('Status gives number and words', async () => {
    const created = await world.ask('answer.py?created');
    assert.deepEqual([created.status, created.statusText, created.body], [201, 'Made Here', 'made\n']);
    assert.equal((await world.ask('answer.py?gone')).status, 410);
    const empty = await world.ask('answer.py?empty');
    assert.deepEqual([empty.status, empty.body, empty.headers['x-kind']], [204, '', 'empty']);
    assert.equal((await world.ask('answer.py?unmodified')).status, 304);
  });

  test('a Location elsewhere sends the client there, with or without a document', async () => {
    const client = await world.ask('answer.py?client');
    assert.deepEqual([client.status, client.headers.location], [302, 'http://elsewhere.example/there?x=1#y']);
    const document = await world.ask('answer.py?client-document');
    assert.deepEqual([document.status, document.body], [303, 'over there\n']);
    const path = await world.ask('answer.py?status-and-path');
    assert.deepEqual([path.status, path.headers.location], [301, '/cgi-bin/answer.py?plain']);
  });

  test('a Location here is answered as if it had been asked for, by GET and without the body', async () => {
    assert.equal((await world.ask('answer.py?local', { body: 'x=1' })).body, 'plain\n');
    const got = variables(await world.ask('answer.py?local-variables', { body: 'x=1' }));
    assert.equal(got.get('REQUEST_METHOD'), 'GET');
    assert.equal(got.get('PATH_INFO'), '/behind');
    assert.equal(got.get('QUERY_STRING'), 'q=1');
    assert.equal(got.get('REDIRECT_STATUS'), '200');
    assert.equal(got.get('REDIRECT_URL'), '/cgi-bin/answer.py?local-variables');
    assert.equal(got.has('CONTENT_LENGTH'), false);
    world.shell('to-api.sh', "printf 'Location: /v1/flows\\n\\n'");
    assert.equal(
      JSON.parse((await world.ask('to-api.sh')).body).items.some(
        (flow: { name: string }) => flow.name === 'create_vm',
      ),
      true,
    );
    world.shell('round.sh', "printf 'Location: /cgi-bin/round.sh\\n\\n'");
    assert.deepEqual([(await world.ask('round.sh')).status], [502]);
  });

  test('HEAD runs the script and sends no body', async () => {
    const head = await world.ask('variables.pl', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
    world.shell('method.sh', 'echo "X-Method: $REQUEST_METHOD"; echo "Content-Type: a/b"; echo; echo body');
    assert.equal((await world.ask('method.sh', { method: 'HEAD' })).headers['x-method'], 'HEAD');
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      assert.equal((await world.ask('method.sh', { method })).headers['x-method'], method);
  });

  test('what belongs to the connection is the server’s, whatever a script says', async () => {
    world.shell(
      'hop.sh',
      String.raw`printf 'Content-Type: text/plain\nTransfer-Encoding: chunked\nConnection: upgrade\nUpgrade: x\nX-CGI-Private: 1\n\nbody\n'`,
    );
    const answer = await world.ask('hop.sh');
    assert.equal(answer.body, 'body\n');
    for (const name of ['upgrade', 'x-cgi-private']) assert.equal(answer.headers[name], undefined);
  });

  test('more than Content-Length says is cut off, less cuts the connection', async () => {
    world.shell(
      'more.sh',
      String.raw`printf 'Content-Type: a/b\nContent-Length: 3\n\n123HTTP/1.1 200 Injected\n'`,
    );
    assert.deepEqual([(await world.ask('more.sh')).body], ['123']);
    world.shell('less.sh', String.raw`printf 'Content-Type: a/b\nContent-Length: 9\n\n123'`);
    assert.equal((await world.ask('less.sh')).whole, false);
  });

  test('output goes out as it comes', async () => {
    const flag = join(world.dir, 'go-on');
    world.shell(
      'stream.sh',
      `printf 'Content-Type: a/b\\n\\nfirst\\n'; until [ -e ${flag} ]; do sleep 0.02; done; echo last`,
    );
    const pieces: string[] = [];
    const first = Promise.withResolvers<void>();
    const answer = world.ask('stream.sh', {
      onPiece(text) {
        pieces.push(text);
        first.resolve();
      },
    });
    await first.promise;
    assert.deepEqual(pieces, ['first\n']);
    world.script('../go-on', '');
    assert.equal((await answer).body, 'first\nlast\n');
  });

  test('a large one arrives whole', async () => {
    world.shell('large.sh', "printf 'Content-Type: a/b\\n\\n'; head -c 20000000 /dev/zero | tr '\\0' x");
    const answer = await world.ask('large.sh');
    assert.deepEqual([answer.body.length, answer.whole], [20_000_000, true]);
  });

  const faulty: [string, string, RegExp][] = [
    ['nothing', ':', /wrote nothing/],
    ['no empty line', 'echo "Content-Type: text/plain"', /did not end with an empty line/],
    ['no header at all', 'echo; echo body', /no header at all/],
    ['a line that is no header', 'echo "<html>"; echo; echo x', /is no header/],
    ['a name with a space', 'echo "X Y: 1"; echo; echo x', /is no header/],
    ['a carriage return inside', String.raw`printf 'X-A: 1\rSet-Cookie: evil=1\n\n'`, /control character/],
    ['a faulty Status', 'echo "Status: OK"; echo', /Status/],
    ['Status: 101', 'echo "Status: 101 Switching"; echo', /Status/],
    ['two Content-Types', 'echo "Content-Type: a/b"; echo "content-type: c/d"; echo', /given twice/],
    ['an endless header', "printf 'X-A: '; head -c 10000000 /dev/zero | tr '\\0' x", /more than 16384 bytes/],
    ['endless headers', 'while :; do echo "X-A: 1"; done', /more than 200 headers/],
    ['a crash before the headers', 'kill -SEGV $$', /SIGSEGV/],
    ['a failure', 'echo "no database" >&2; exit 3', /exit status 3/],
  ];
  for (const [index, [what, body, reason]] of faulty.entries()) {
    test(`${what}: 502, and a problem that says so`, async () => {
      world.shell(`faulty-${index}.sh`, body);
      const answer = await world.ask(`faulty-${index}.sh`);
      const { code, detail } = problem(answer);
      assert.deepEqual([answer.status, code], [502, 'COAX_CGI_FAILED']);
      assert.match(detail, reason);
      assert.doesNotMatch(answer.body, /no database/);
    });
  }

  test('standard error is in the log, each line as what it is', async () => {
    world.shell(
      'noisy.sh',
      String.raw`printf 'Content-Type: a/b\n\n'; printf 'disk full\n{"level":60,"msg":"forged"}\033[2J\n' >&2`,
    );
    await world.ask('noisy.sh');
    const [line] = await world.logged(/^.*disk full.*$/m);
    const entry = JSON.parse(line) as { script: string; reqId: string };
    assert.equal(entry.script, 'noisy.sh');
    assert.match(entry.reqId, /^r-/);
    const [forged] = await world.logged(/^.*forged.*$/m);
    assert.equal(JSON.parse(forged).msg.startsWith('{"level":60'), true);
  });

  test('a crash in the midst of the body cuts the connection', async () => {
    world.shell(
      'midst.sh',
      "printf 'Content-Type: a/b\\n\\n'; head -c 100000 /dev/zero; sleep 0.1; kill -SEGV $$",
    );
    assert.equal((await world.ask('midst.sh')).whole, false);
  });

  test('nph-: the script makes the whole answer, and its end is the connection’s', async () => {
    const said = 'HTTP/1.1 299 Own Words\r\nX-Own: yes\r\nConnection: close\r\n\r\nits own\n';
    world.script('nph-own.py', `#!/usr/bin/python3\nimport sys\nsys.stdout.write(${JSON.stringify(said)})\n`);
    const answer = await world.ask('nph-own.py');
    assert.deepEqual([answer.status, answer.statusText, answer.body], [299, 'Own Words', 'its own\n']);
    assert.equal(answer.headers['x-request-id'], undefined);
    world.shell('nph-silent.sh', ':');
    assert.equal((await world.ask('nph-silent.sh')).status, 502);
  });
});

describe('limits', () => {
  test('a script that takes too long is ended, with all it started: 504', async () => {
    const pidFile = join(world.dir, 'slow-pid');
    world.shell('slow.sh', `sleep 600 & echo $! > ${pidFile}; wait`);
    // On a busy machine it takes a while until the script has started anything.
    for (const timeout of ['500ms', '5s', '50s']) {
      world.script('cgi.yaml', `scripts: {slow.sh: {timeout: ${timeout}}}\n`, 0o644);
      const answer = await world.ask('slow.sh');
      assert.deepEqual([answer.status, problem(answer).code], [504, 'COAX_CGI_TIMEOUT']);
      if (existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '') break;
    }
    await gone(Number(readFileSync(pidFile, 'utf8')));
    world.script('cgi.yaml', '', 0o644);
  });

  test('a script uses no more than cgi.yaml gives it, and its own settings come first', async () => {
    const script = "printf 'Content-Type: text/plain\\n\\n'; ulimit -v; ulimit -n";
    world.shell('narrow.sh', script);
    world.shell('usual.sh', script);
    const usual = 'limits: {memoryMib: 100, openFiles: 30}\n';
    world.script('cgi.yaml', `${usual}scripts: {narrow.sh: {limits: {openFiles: 20}}}\n`, 0o644);
    assert.equal((await world.ask('usual.sh')).body, '102400\n30\n');
    assert.equal((await world.ask('narrow.sh')).body, 'unlimited\n20\n');
    world.script('cgi.yaml', '', 0o644);
  });

  test('a script whose client goes is ended', async () => {
    const pidFile = join(world.dir, 'left-pid');
    world.shell(
      'left.sh',
      `printf 'Content-Type: a/b\\n\\nhi\\n'; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; sleep 600`,
    );
    const leave = new AbortController();
    const asked = world.ask('left.sh', { signal: leave.signal }).catch(() => null);
    await until(() => existsSync(pidFile));
    leave.abort();
    await asked;
    await gone(Number(readFileSync(pidFile, 'utf8')));
  });

  test('so many run, so many wait, and who comes then is told when to come again', async () => {
    const flag = join(world.dir, 'open');
    world.script('cgi.yaml', 'running: 2\nwaiting: 1\n', 0o644);
    world.shell(
      'gate.sh',
      `printf 'Content-Type: a/b\\n\\n'; until [ -e ${flag} ]; do sleep 0.02; done; echo ok`,
    );
    const list = async () =>
      JSON.parse(
        (await ask(world.url, '/v1/cgi', { headers: { authorization: `Bearer ${world.token}` } })).body,
      );
    const asked = [world.ask('gate.sh'), world.ask('gate.sh'), world.ask('gate.sh')];
    for (;;) {
      const { running, waiting } = await list();
      if (running === 2 && waiting === 1) break;
    }
    const refused = await world.ask('gate.sh');
    assert.equal(problem(refused).code, 'COAX_RATE');
    assert.equal(refused.headers['retry-after'], '1');
    world.script('../open', '');
    assert.deepEqual(
      (await Promise.all(asked)).map(({ body }) => body),
      ['ok\n', 'ok\n', 'ok\n'],
    );
    world.script('cgi.yaml', '', 0o644);
  });
});

describe('which files are scripts', () => {
  test('none outside the folder, none that is not executable, no dot files, no settings', async () => {
    symlinkSync('/usr/bin/env', join(world.bin, 'out'));
    symlinkSync('variables.pl', join(world.bin, 'inside'));
    symlinkSync('/usr/bin', join(world.bin, 'bin'));
    world.script('plain.txt', 'secret', 0o644);
    world.script('.hidden', '#!/bin/sh\n');
    world.script('old.sh~', '#!/bin/sh\n');
    world.script('cgi.yaml', '', 0o755);
    world.shell('admin/tool.sh', 'printf \'Content-Type: a/b\\n\\n\'; echo "$SCRIPT_NAME $PATH_INFO"; pwd');
    const status = async (path: string): Promise<number> => (await world.ask(path)).status;
    assert.equal(await status('out'), 403);
    assert.equal(await status('bin/env'), 403);
    assert.equal(await status('plain.txt'), 403);
    assert.equal(await status('admin'), 403);
    assert.equal(await status('inside'), 200);
    for (const missing of [
      '.hidden',
      'old.sh~',
      'cgi.yaml',
      'nothing',
      '',
      '../data/token',
      '..%2fdata/token',
      '%2e%2e/data/token',
      'variables.pl/../../token',
      'variables.pl/a%2fb',
      'variables.pl/%00',
      'variables.pl/%ff',
      './variables.pl',
      'admin//tool.sh',
    ])
      assert.equal(await status(missing), 404, missing);
    const nested = await world.ask('admin/tool.sh/x');
    assert.equal(nested.body, `/cgi-bin/admin/tool.sh /x\n${join(world.bin, 'admin')}\n`);
    world.script('cgi.yaml', '', 0o644);
  });

  test('a broken first line is told as such', async () => {
    world.script('bad-first-line', '#!/no/such/interpreter\n');
    assert.match(problem(await world.ask('bad-first-line')).detail, /interpreter \/no\/such\/interpreter/);
  });
});

describe('who may ask', () => {
  test('in a browser’s session only pages of this server, and who types the address, start a script; also by GET', async () => {
    const own = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
    const body = JSON.stringify({ token: world.token });
    const opened = await ask(world.url, '/auth/session', { body, headers: own });
    const cookie = String(opened.headers['set-cookie']).split(';')[0]!;
    const get = async (headers: Record<string, string>) =>
      (await ask(world.url, '/cgi-bin/variables.pl', { headers: { cookie, ...headers } })).status;
    // Another port of this host is the same site, so that the browser sends the cookie along.
    for (const headers of [
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'null' },
    ])
      assert.equal(await get(headers), 403, JSON.stringify(headers));
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: world.url },
      {},
    ])
      assert.equal(await get(headers), 200, JSON.stringify(headers));
  });

  test('nobody without a token, unless the settings say anyone', async () => {
    for (const path of ['/cgi-bin/variables.pl', '/cgi-bin/nothing', '/cgi-bin/../x'])
      assert.equal((await ask(world.url, path)).status, 401, path);
    assert.equal(
      (await ask(world.url, '/cgi-bin/variables.pl', { headers: { authorization: 'Bearer no' } })).status,
      401,
    );
    world.script('cgi.yaml', 'scripts: {variables.pl: {needs: anyone}}\n', 0o644);
    const open = variables(await ask(world.url, '/cgi-bin/variables.pl'));
    assert.equal(open.has('REMOTE_USER') || open.has('AUTH_TYPE'), false);
    assert.equal((await ask(world.url, '/cgi-bin/answer.py?plain')).status, 401);
    world.shell('open.sh', 'printf \'Location: /cgi-bin/%s\\n\\n\' "$QUERY_STRING"');
    world.script('cgi.yaml', 'scripts: {open.sh: {needs: anyone}, variables.pl: {needs: anyone}}\n', 0o644);
    assert.equal((await ask(world.url, '/cgi-bin/open.sh?answer.py')).status, 401);
    assert.equal((await ask(world.url, '/cgi-bin/open.sh?variables.pl')).status, 200);
    assert.equal((await world.ask('open.sh?variables.pl')).status, 200);
    world.script('cgi.yaml', 'needs: nonsense\n', 0o644);
    assert.equal((await ask(world.url, '/cgi-bin/answer.py?plain')).status, 401);
    const { faults } = JSON.parse(
      (await ask(world.url, '/v1/cgi', { headers: { authorization: `Bearer ${world.token}` } })).body,
    );
    assert.match(faults[0].reason, /needs.*what it said last stays in use/);
    world.script('cgi.yaml', '', 0o644);
  });

  test('a request in pieces on one connection is answered in order', async () => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', piece => (text += piece));
    const head = (query: string) =>
      `GET /cgi-bin/answer.py?${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.token}\r\n\r\n`;
    socket.write(head('plain') + head('gone') + head('created'));
    await until(() => /made\n/.test(text));
    socket.destroy();
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 410', 'HTTP/1.1 201']);
  });
});
