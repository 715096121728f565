/** A webhook's life in the console, against a real receiver: made, heard, given up, mended, sent again, given a new secret, removed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Webhook as Verifier } from 'standardwebhooks';
import { axe, becomes, ConsoleWorld, matches, NARROW, shot } from './console-fixture.ts';

const world = new ConsoleWorld();
const got: { headers: IncomingHttpHeaders; body: string }[] = [];
let status = 204;
const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  got.push({ headers: request.headers, body });
  response.writeHead(status).end();
});
before(async () => {
  await world.open();
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
});
after(async () => {
  await world.close();
  receiver.closeAllConnections();
  receiver.close();
  // Of the address that is refused on purpose, and of the change of what somebody else had changed.
  assert.deepEqual(
    world.complaints.filter(text => !/status of (400 .*\/v1\/webhooks|412 .*\/edit)$/.test(text)),
    [],
  );
});

const address = (path: string): string =>
  `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`;
const road = (town: string) =>
  world.client().submit({ flow: 'build_road', parameters: { town, gate: world.gate } }, { waitMs: 20_000 });

/** Throws when that secret did not sign it. */
const verify = (secret: string, { headers, body }: (typeof got)[number]): unknown =>
  new Verifier(secret).verify(body, headers as Record<string, string>);

test('a webhook is made by a form, its secret shown once, and it hears of a message', async () => {
  const page = await world.signedIn('/webhooks');
  await page.getByText('No webhook yet').waitFor();
  await shot(page, 'webhooks-empty');
  await page.getByRole('button', { name: 'New webhook' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('button', { name: 'Create it' }).click();
  await form.getByText('Give an address that begins with https://').waitFor();
  // What the server says no to is said at the form.
  await form.getByLabel('Address').fill('http://169.254.169.254/latest');
  await form.getByRole('button', { name: 'Create it' }).click();
  await form.getByText('169.254.169.254 is not an address of the public internet').waitFor();
  await form.getByLabel('Address').fill(address('/hook'));
  await form.getByLabel('parked').uncheck();
  await form.getByLabel('Flow').selectOption('build_road');
  await matches(
    () => form.locator('code').innerText(),
    /^coax webhook create http:\S+\/hook --on done,rolled_back --flow build_road$/,
  );
  await axe(page);
  await shot(page, 'webhook-new');
  await form.getByRole('button', { name: 'Create it' }).click();
  const secret = await page.locator('[data-secret]').innerText();
  assert.match(secret, /^whsec_/);
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('[data-secret]').isVisible(), 'no slip of a finger loses it');
  await shot(page, 'webhook-secret');
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.waitForURL(/\/webhooks\/wh_[0-9a-f]{16}$/);
  await page.getByText('Nothing was sent yet').waitFor();
  assert.doesNotMatch(await page.content(), new RegExp(secret.replaceAll('+', '\\+')));
  const { msgid } = await road('Ayr');
  await page.locator('tr[data-delivery=delivered]', { hasText: 'message.done' }).waitFor();
  await page
    .locator('tr[data-delivery=delivered]')
    .getByRole('link', { name: String(msgid) })
    .waitFor();
  verify(secret, got[0]!);
  await axe(page);
  await page.context().close();
});

test('what was given up is among the dead letters, and is sent again when the receiver was mended', async () => {
  const { id } = (await world.client().webhooks.list()).items[0]!;
  const page = await world.signedIn(`/webhooks/${id}`);
  status = 410;
  await road('Bath');
  await page.getByText('the receiver says that it is gone (HTTP 410)').waitFor();
  await page.getByRole('tab', { name: 'Dead letters' }).click();
  const dead = page.locator('tr[data-delivery=dead]');
  await dead.getByText('HTTP 410').waitFor();
  await axe(page);
  await shot(page, 'webhook-dead');
  status = 204;
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByText('active', { exact: true }).waitFor();
  const before = got.length;
  await dead.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('There is none').waitFor();
  await page.getByRole('tab', { name: 'Delivered' }).click();
  await page.locator('tr[data-delivery=delivered]').nth(1).waitFor();
  assert.equal(got.length, before + 1);
  await page.context().close();
});

test('a test is sent, by the keyboard, and signed by the new secret and the old', async () => {
  const { id } = (await world.client().webhooks.list()).items[0]!;
  const page = await world.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'New secret' }).press('Enter');
  assert.match(await page.getByRole('dialog').innerText(), /for a day with the old one as well/);
  await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).press('Enter');
  const secret = await page.locator('[data-secret]').innerText();
  await page.getByRole('button', { name: 'I have it' }).press('Enter');
  const before = got.length;
  await page.getByRole('button', { name: 'Send a test' }).press('Enter');
  await page.locator('tr[data-delivery=delivered]', { hasText: 'webhook.test' }).waitFor();
  await becomes(async () => got.length, before + 1);
  verify(secret, got.at(-1)!);
  assert.equal(String(got.at(-1)!.headers['webhook-signature']).split(' ').length, 2);
  await page.getByRole('button', { name: 'Disable' }).press('Enter');
  await page.getByText('disabled', { exact: true }).waitFor();
  await page.context().close();
});

test('it is edited by a form, which does not overwrite what somebody else changed meanwhile', async () => {
  const { id } = (await world.client().webhooks.list()).items[0]!;
  const page = await world.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('dialog');
  const save = form.getByRole('button', { name: 'Save' });
  assert.ok(await save.isDisabled(), 'there is nothing to save yet');
  await form.getByLabel('Address').fill('no address');
  await save.click();
  await form.getByText('Give an address that begins with https://').waitFor();
  await form.getByLabel('Address').fill(address('/hook2'));
  await form.getByLabel('parked').check();
  await form.getByLabel('Flow').selectOption('');
  await form.getByLabel('active').check();
  await becomes(
    () => form.locator('code').innerText(),
    `coax webhook edit ${id} --url ${address('/hook2')} --on done,rolled_back,parked --flow '' --enable`,
  );
  await axe(page);
  await shot(page, 'webhook-edit');
  await world.client().webhooks.edit(id, { events: ['failed'] });
  await save.click();
  await form.getByRole('button', { name: 'Begin with what it is now' }).click();
  await becomes(() => form.getByLabel('failed').isChecked(), true);
  await becomes(() => form.getByLabel('Address').inputValue(), address('/hook'));
  await form.getByLabel('Address').fill(address('/hook2'));
  await form.getByLabel('active').check();
  await save.click();
  await form.waitFor({ state: 'detached' });
  await page.getByText('active', { exact: true }).waitFor();
  const { url, events, state, flow } = await world.client().webhooks.show(id);
  assert.deepEqual([url, events, state, flow], [address('/hook2'), ['failed'], 'active', 'build_road']);
  await world.client().webhooks.edit(id, { url: address('/hook'), state: 'disabled' });
  // What is done elsewhere is seen here, without a look again.
  await page.getByText('disabled', { exact: true }).waitFor();
  await page.context().close();
});

test('on a telephone, dark and in Chinese; and it is removed after a question', async () => {
  const { id } = (await world.client().webhooks.list()).items[0]!;
  const look = { viewport: NARROW, colorScheme: 'dark', locale: 'zh-CN' } as const;
  const page = await world.signedIn('/webhooks', look);
  await page.getByText('停用', { exact: true }).waitFor();
  await axe(page);
  await shot(page, 'webhooks-narrow');
  await page.getByRole('link', { name: address('/hook') }).click();
  await page.locator('tr[data-delivery=delivered]').first().waitFor();
  await axe(page);
  await shot(page, 'webhook-narrow');
  const wider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
  assert.equal(wider, false, 'nothing is wider than the screen');
  await page.getByRole('button', { name: '删除' }).click();
  await page.getByRole('dialog').getByText(`coax webhook rm ${id}`).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: '删除' }).click();
  await page.getByText('还没有 Webhook').waitFor();
  await becomes(async () => (await world.client().webhooks.list()).items, []);
  await page.context().close();
});

test('who may only look sees why they cannot change anything', async () => {
  const client = world.client();
  await client.webhooks.create({ url: address('/other'), events: ['done'] });
  const { token } = await client.access.createToken({ name: 'eye', project: 'default', role: 'viewer' });
  const page = await world.signedIn('/webhooks', {}, token);
  const button = page.getByRole('button', { name: 'New webhook' });
  await becomes(() => button.getAttribute('aria-disabled'), 'true');
  assert.equal(await button.getAttribute('title'), 'An admin of the project does that.');
  await page.getByRole('link', { name: address('/other') }).click();
  await becomes(() => page.getByRole('button', { name: 'Remove' }).getAttribute('aria-disabled'), 'true');
  await page.context().close();
});
