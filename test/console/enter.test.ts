/** `coax console` lets a browser in: by a ticket that is good once, and in no address that stays. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec } from '../../src/linux/process/exec.ts';
import { CliWorld } from '../system/cli-fixture.ts';
import { axe, ConsoleWorld, shot } from './console-fixture.ts';

const world = new ConsoleWorld();
const cli = new CliWorld();
before(() => world.open());
after(async () => {
  await world.close();
  await cli.close();
});

const coax = (args: readonly string[], env: Record<string, string> = {}) =>
  cli.run(args, '', { COAX_URL: world.url, COAX_TOKEN: world.token, ...env });

async function printed(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await coax(['console', '--print', ...args]);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const tradeIn = (address: string) =>
  fetch(`${world.url}/auth/ticket`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket: new URLSearchParams(new URL(address).hash.slice(1)).get('ticket') }),
  });

test('the address opens the page that was asked for, signed in, and nothing of it stays', async () => {
  const address = await printed('/hosts');
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/enter#ticket=coax_ticket_[\w-]{43}&to=%2Fhosts$/);
  const page = await world.page();
  const asked: string[] = [];
  page.on('request', request => asked.push(`${request.url()} ${JSON.stringify(request.headers())}`));
  await page.goto(address);
  await page.waitForURL(`${world.url}/hosts`);
  await page.locator('main h1').waitFor();
  await page.getByText('admin', { exact: true }).first().waitFor();
  // Neither an address nor a header that was sent has it, and Back does not lead to it.
  assert.doesNotMatch(asked.join('\n'), /coax_ticket_/);
  const seen = await page.evaluate(
    'document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)',
  );
  assert.doesNotMatch(String(seen), /coax_/);
  await page.goBack();
  assert.equal(page.url(), 'about:blank');
  await page.context().close();

  // It was good once: in another browser it opens nothing, and the page says what to do.
  const other = await world.page();
  await other.goto(address);
  await other.getByText('the ticket was used already, or is older than a minute').waitFor();
  await axe(other);
  await shot(other, 'enter-used');
  await other.getByRole('button', { name: 'Sign in another way' }).click();
  await other.getByLabel('Token').waitFor();
  await other.context().close();
  assert.equal((await tradeIn(address)).status, 401);
});

test('of two that come with one ticket at once, one is let in', async () => {
  const address = await printed();
  const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await tradeIn(address)).status));
  assert.deepEqual(statuses.sort(), [200, ...Array.from({ length: 7 }, () => 401)]);
});

test('who is signed in as somebody else is asked first', async () => {
  const made = await world.client().access.createToken({ name: 'eve', project: 'default', role: 'viewer' });
  const page = await world.signedIn('/');
  const evil = await coax(['console', '--print'], { COAX_TOKEN: made.token });
  await page.goto(evil.stdout.trim());
  await page
    .getByText('This browser is signed in as admin. The address that you opened signs token/eve in.')
    .waitFor();
  await axe(page);
  await shot(page, 'enter-other');
  await page.getByRole('button', { name: 'Stay signed in as admin' }).click();
  await page.getByText('admin', { exact: true }).first().waitFor();
  const again = await coax(['console', '--print'], { COAX_TOKEN: made.token });
  await page.goto(again.stdout.trim());
  await page.getByRole('button', { name: 'Sign in as token/eve' }).click();
  await page.getByText('token/eve').first().waitFor();
  await page.context().close();
});

test('what it opens ends with what it was asked for by', async () => {
  const { access } = world.client();
  const made = await access.createToken({ name: 'brief', project: 'default', role: 'viewer' });
  const { stdout } = await coax(['console', '--print'], { COAX_TOKEN: made.token });
  const answer = await tradeIn(stdout.trim());
  assert.equal(answer.status, 200);
  const cookie = answer.headers.get('set-cookie')!.split(';')[0]!;
  const who = () => fetch(`${world.url}/v1/whoami`, { headers: { cookie } });
  assert.equal((await who()).status, 200);
  await access.revokeToken('brief');
  assert.equal((await who()).status, 401);
});

/** A browser as BROWSER names it: notes its arguments, and goes on with `then`. */
const browserThat = (name: string, then: string): string =>
  cli.file(name, `#!/bin/sh\nprintf '%s\\n' "$*" >> ${join(cli.dir, `${name}.args`)}\n${then}\n`, 0o755);
const argumentsOf = (name: string): string => {
  const file = join(cli.dir, `${name}.args`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

test('the browser is opened where there is one, and the address printed where there is none', async () => {
  const file = join(cli.dir, 'led-to');
  const browser = browserThat('browser', `curl -s -o /dev/null -w '%{redirect_url}\\n' "$1" > ${file}`);
  const ran = await coax(['console', '7'], { BROWSER: browser });
  assert.deepEqual([ran.status, ran.stdout], [0, `opened ${world.url}/messages/7\n`]);
  // What everybody can read leads only that browser on, and holds no ticket.
  assert.match(argumentsOf('browser'), /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\n$/);
  while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('\n')) await sleep(20);
  assert.match(readFileSync(file, 'utf8'), /\/enter#ticket=coax_ticket_[\w-]{43}&to=%2Fmessages%2F7\n$/);
  const without = await coax(['console']);
  assert.match(without.stdout, /^http:\S+\/enter#ticket=\S+\n$/);
  assert.match(without.stderr, /there is no browser here/);
  const wrong = await coax(['console', '//evil.example']);
  assert.deepEqual([wrong.status, /is no page of the console/.test(wrong.stderr)], [2, true]);
});

test('who reads the browser’s arguments and is quicker is told nothing; the browser itself gets in', async t => {
  if (process.getuid?.() !== 0) return t.skip('another user is needed, and only root can be one');
  const ran = coax(['console', '/vms'], { BROWSER: browserThat('slow', 'exit 0') });
  while (!argumentsOf('slow').endsWith('\n')) await sleep(20);
  const address = argumentsOf('slow').trim();
  const other = await exec('setpriv', ['--reuid=65534', '--clear-groups', 'curl', '-si', address], {
    timeoutMs: 60_000,
  });
  assert.match(other.stdout, /^HTTP\/1\.1 403 /, other.stderr);
  assert.doesNotMatch(other.stdout, /location|coax_ticket_/i);
  const page = await world.page();
  await page.goto(address);
  await page.waitForURL(`${world.url}/vms`);
  await page.getByText('admin', { exact: true }).first().waitFor();
  assert.match((await ran).stdout, /^(opened|http:)/);
  await page.context().close();
  // It led on once.
  await assert.rejects(fetch(address), TypeError);
});
