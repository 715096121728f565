/** `coax login` at a terminal: by a real provider of OpenID Connect, by a token, and what is kept of it. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec } from '../../src/linux/process/exec.ts';
import { TOKEN } from '../system/access-fixture.ts';
import { CliWorld, type Ran } from '../system/cli-fixture.ts';
import { Browser, openWithProvider, type WithProvider } from './oidc-fixture.ts';

let world: WithProvider;
before(async () => {
  world = await openWithProvider();
  await world.served.services.identity.projects.create('shop', {}, 'tester');
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

/** A person's account on a machine: no server runs in it, and the browser writes down what it was to open. */
class Person {
  readonly cli = new CliWorld();
  readonly config = join(this.cli.dir, 'config/coax/contexts.json');
  readonly #opened = join(this.cli.dir, 'opened');
  readonly browser = new Browser();

  constructor() {
    this.cli.file('browser', `#!/bin/sh\nprintf '%s\\n' "$1" >> ${this.#opened}\n`, 0o755);
  }

  coax(...args: string[]): Promise<Ran> {
    return this.typing('', ...args);
  }

  typing(input: string, ...args: string[]): Promise<Ran> {
    return this.cli.run(args, input, {
      COAX_DATA: '',
      XDG_CONFIG_HOME: join(this.cli.dir, 'config'),
      BROWSER: join(this.cli.dir, 'browser'),
    });
  }

  /** Logs in as somebody, through the browser that the command line opens. */
  async logIn(who: string, ...args: string[]): Promise<Ran> {
    const ran = this.coax('login', ...args);
    const address = await Promise.race([this.opened(), ran.then(({ stderr }) => assert.fail(stderr))]);
    if (address.includes('user_code=')) await this.browser.logIn(address, who, '');
    else
      await (
        await fetch(await this.browser.logIn(address, who, `http://127.0.0.1:${portOf(address)}`))
      ).text();
    return ran;
  }

  /** Where the browser was led. */
  async opened(): Promise<string> {
    for (;;) {
      const text = existsSync(this.#opened) ? readFileSync(this.#opened, 'utf8') : '';
      if (text.endsWith('\n')) {
        writeFileSync(this.#opened, '');
        // What stands in the browser's arguments leads on and tells nothing.
        assert.match(text, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\n$/);
        const { status, headers } = await fetch(text.trim(), { redirect: 'manual' });
        assert.equal(status, 303);
        return headers.get('location')!;
      }
      await sleep(20);
    }
  }

  kept() {
    return JSON.parse(readFileSync(this.config, 'utf8'));
  }

  /** The session at the server is over, as after half a day. */
  expire(name: string): void {
    const all = this.kept();
    all.contexts[name].login.expires = new Date(0).toISOString();
    writeFileSync(this.config, JSON.stringify(all));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cli.close();
  }
}

const portOf = (address: string): string => new URL(new URL(address).searchParams.get('redirect_uri')!).port;
const url = () => world.served.url;

test('a person logs in by a code in any browser, works, and logs out', async () => {
  await using person = new Person();
  const ran = await person.logIn('alice', url(), '--name', 'prod');
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stdout, /^logged in to http:\S+ as alice@example\.org\n {2}operator {2}shop\n$/);
  assert.match(ran.stderr, /^open {2}http:\S+\/device\?user_code=\S+\ncode {2}\S{4}-\S{4}\n/m);
  assert.equal(statSync(person.config).mode & 0o777, 0o600);
  assert.equal((await person.coax('whoami')).stdout, 'alice@example.org\n  operator  shop\n');
  const run = await person.coax('run', 'create_vm', 'cpu=1', 'mem=128', '--project', 'shop', '-o', 'json');
  assert.equal(run.status, 0, run.stderr);
  const listed = await person.coax('context', 'ls');
  assert.match(
    listed.stdout,
    /^\* +prod +http:\S+ +alice@example\.org +renewed by itself\n +local +not running/m,
  );
  const { session } = person.kept().contexts.prod.login;
  const out = await person.coax('logout');
  assert.match(out.stdout, /^logged out of http:\S+ \(prod\)\n$/);
  // The session is gone at the server, too.
  const answer = await fetch(`${url()}/v1/whoami`, { headers: { authorization: `Bearer ${session}` } });
  assert.equal(answer.status, 401);
  const again = await person.coax('whoami');
  assert.deepEqual([again.status, again.stdout], [7, '']);
  assert.match(
    again.stderr,
    /nobody is logged in to prod \(COAX_LOGIN_EXPIRED\)[\s\S]*coax login --name prod/,
  );
});

test('a browser that comes back to this machine does, too, and only with the login that was begun', async () => {
  await using person = new Person();
  const ran = person.coax('login', url(), '--browser', '-o', 'json');
  const address = await person.opened();
  const back = new URL(address).searchParams.get('redirect_uri')!;
  assert.equal(new URL(address).searchParams.get('code_challenge_method'), 'S256');
  for (const forged of [`${back}?code=x&state=wrong`, `${back}?code=x`, back.replace('callback', 'other')])
    assert.equal((await fetch(forged)).status, 404);
  const end = await fetch(await person.browser.logIn(address, 'alice', back));
  assert.match(await end.text(), /You are logged in/);
  assert.equal(JSON.parse((await ran).stdout).actor, 'alice@example.org');
});

test('a login that is over is renewed at the provider, once, however many ask', async () => {
  await using person = new Person();
  await person.logIn('alice', url(), '--name', 'prod');
  const before = person.kept().contexts.prod.login;
  person.expire('prod');
  const all = await Promise.all([person.coax('whoami'), person.coax('whoami'), person.coax('whoami')]);
  for (const { stdout, stderr } of all) assert.equal(stdout.split('\n')[0], 'alice@example.org', stderr);
  const { session, expires, renewal } = person.kept().contexts.prod.login;
  assert.notEqual(session, before.session);
  assert.ok(Date.parse(expires) > Date.now());
  // The provider gives another each time, and would end all if one of them came twice.
  assert.notEqual(renewal.refreshToken, before.renewal.refreshToken);
  // A session that the server has ended is renewed as well.
  await world.served.services.identity.sessions.end(session);
  world.served.services.identity.changed();
  assert.equal((await person.coax('whoami')).status, 0);
});

test('a login that the provider does not renew says that it is over', async () => {
  await using person = new Person();
  await person.logIn('alice', url(), '--name', 'prod');
  const all = person.kept();
  all.contexts.prod.login.renewal.refreshToken = 'gone';
  writeFileSync(person.config, JSON.stringify(all));
  person.expire('prod');
  const { status, stderr } = await person.coax('whoami');
  assert.equal(status, 7);
  assert.match(
    stderr,
    /the login of alice@example\.org at prod is over: the provider does not renew it \(COAX_LOGIN_EXPIRED\)/,
  );
});

test('who has no role is told so, and nothing is kept', async () => {
  await using person = new Person();
  const { status, stderr } = await person.logIn('carol', url());
  assert.equal(status, 7, stderr);
  assert.match(stderr, /carol@example\.org has no role here yet/);
  assert.ok(!existsSync(person.config));
});

test('a token is taken unseen, and contexts lead to several servers', async () => {
  await using person = new Person();
  const wrong = await person.typing('coax_wrong\n', 'login', url(), '--with-token');
  assert.deepEqual([wrong.status, existsSync(person.config)], [7, false]);
  const ran = await person.typing(
    `${TOKEN}\n`,
    'login',
    url(),
    '--with-token',
    '--name',
    'a',
    '--project',
    'shop',
  );
  assert.equal(ran.status, 0, ran.stderr);
  assert.doesNotMatch(ran.stdout + ran.stderr, new RegExp(TOKEN));
  await person.typing(`${TOKEN}\n`, 'login', url(), '--with-token', '--name', 'b');
  assert.deepEqual((await person.coax('context', 'ls', '-o', 'name')).stdout.split('\n').slice(0, 3), [
    'a',
    'b',
    'local',
  ]);
  // The project of the context is that of what is submitted.
  const made = await person.coax('run', 'create_vm', 'cpu=1', 'mem=128', '--context', 'a', '-o', 'json');
  assert.equal(JSON.parse(made.stdout).project, 'shop');
  await person.coax('context', 'use', 'a');
  assert.equal(person.kept().current, 'a');
  await person.coax('context', 'use', 'local');
  const none = await person.coax('whoami');
  assert.deepEqual([none.status, /no server runs in/.test(none.stderr)], [6, true]);
  assert.equal((await person.coax('context', 'use', 'c')).status, 3);
  await person.coax('context', 'rm', 'a');
  assert.deepEqual(Object.keys(person.kept().contexts), ['b']);
  // The login goes to its own server, whatever address is asked for.
  assert.equal((await person.coax('whoami', '--url', url())).stdout.split('\n')[0], 'tester');
  assert.equal((await person.coax('whoami', '--url', url().replace('127.0.0.1', '127.0.0.2'))).status, 6);
});

test('a login that others can read is not used, and none is sent where others could read it', async () => {
  await using person = new Person();
  await person.typing(`${TOKEN}\n`, 'login', url(), '--with-token');
  const plain = await person.typing(`${TOKEN}\n`, 'login', 'http://coax.example.org', '--with-token');
  assert.deepEqual([plain.status, /whoever is on the way/.test(plain.stderr)], [2, true]);
  chmodSync(person.config, 0o644);
  const { status, stderr } = await person.coax('whoami');
  assert.deepEqual([status, /others than you may read your logins/.test(stderr)], [2, true]);
});

test('a terminal does not show the token that is typed', async () => {
  await using person = new Person();
  // script(1) gives it a terminal, and writes down all that it shows.
  const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
  const command = `${process.execPath} --disable-warning=ExperimentalWarning ${MAIN} login ${url()} --with-token`;
  const driver = `
import os, pty, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp('sh', ['sh', '-c', sys.argv[1]])
seen = b''
typed = False
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if not typed and b'Token for' in seen:
        typed = True
        # Whoever sees the prompt may type: the terminal has to be without an echo by then.
        if termios.tcgetattr(fd)[3] & termios.ECHO:
            sys.exit('the prompt is there while the terminal still shows what is typed')
        os.write(fd, b'x\\x7f' + sys.argv[2].encode() + b'\\r')
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
  const end = await exec('python3', ['-c', driver, command, TOKEN], {
    timeoutMs: 120_000,
    env: { PATH: process.env.PATH ?? '', HOME: person.cli.dir, LC_ALL: 'C.UTF-8' },
  });
  assert.equal(end.code, 0, end.stdout + end.stderr);
  assert.match(end.stdout, /logged in to http:\S+ as tester/);
  assert.doesNotMatch(end.stdout, new RegExp(TOKEN));
});

test('only a login that is new, and meant for command lines here, is taken', async () => {
  await using person = new Person();
  const exchange = async (idToken: string, accessToken = 'x') => {
    const answer = await fetch(`${url()}/auth/exchange`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ idToken, accessToken }),
    });
    const body = (await answer.json()) as { code?: string; detail?: string };
    return [answer.status, body.code, body.detail];
  };
  for (const forged of ['x', 'a.b.c', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`])
    assert.deepEqual((await exchange(forged)).slice(0, 2), [401, 'COAX_LOGIN_FAILED']);
  const other = await loginAs('other-cli', person);
  assert.deepEqual((await exchange(other.id_token, other.access_token)).slice(0, 2), [
    401,
    'COAX_LOGIN_FAILED',
  ]);
  const good = await loginAs('coax-cli', person);
  // The right name in the wrong hand: what the access token tells is of somebody else.
  assert.deepEqual((await exchange(good.id_token, 'another')).slice(0, 2), [401, 'COAX_LOGIN_FAILED']);
  assert.equal((await exchange(good.id_token, good.access_token))[0], 200);
  const changed = good.id_token.split('.');
  changed[1] = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(changed[1]!, 'base64url').toString()), sub: 'dave' }),
  ).toString('base64url');
  assert.deepEqual((await exchange(changed.join('.'), good.access_token)).slice(0, 2), [
    401,
    'COAX_LOGIN_FAILED',
  ]);
});

/** What the provider gives a program of that name for alice, asked without the help of ours. */
async function loginAs(client: string, person: Person): Promise<{ id_token: string; access_token: string }> {
  const back = 'http://127.0.0.1:9/callback';
  const verifier = 'v'.repeat(64);
  const challenge = Buffer.from(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)),
  ).toString('base64url');
  const asked = new URLSearchParams({
    client_id: client,
    response_type: 'code',
    scope: 'openid email profile',
    redirect_uri: back,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const end = new URL(await person.browser.logIn(`${world.issuer}/auth?${asked}`, 'alice', back));
  const answer = await fetch(`${world.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: client,
      code: end.searchParams.get('code')!,
      redirect_uri: back,
      code_verifier: verifier,
    }),
  });
  return (await answer.json()) as { id_token: string; access_token: string };
}
