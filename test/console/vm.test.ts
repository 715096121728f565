/** The screens of VMs with a real guest: a person types in its serial console, and does with it what buttons say. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { qemuMissing } from '../../src/cloud/compute/qemu/missing.ts';
import { axe, becomes, ConsoleWorld, matches, NARROW, shot } from './console-fixture.ts';

const missing = qemuMissing();
const skip = missing.length > 0 ? `no real guests here: ${missing.join('; ')}` : false;
const world = new ConsoleWorld(false);
let msgid = 0;

before(async () => {
  if (skip) return;
  await world.open();
  const client = world.client();
  msgid = (await client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: 'web' } })).msgid;
  const made = await client.waitFor(msgid);
  client.close();
  assert.equal(made.status, 'done', JSON.stringify(made.error));
});

after(async () => {
  if (skip) return;
  const client = world.client();
  const { items } = await client.vms();
  for (const vm of items) {
    // One that is being removed already is only waited for.
    await client.removeVm(vm.name, { reason: 'the test is over' }).catch(() => {});
    await client.waitFor(vm.msgid);
  }
  client.close();
  await world.close();
  // That a stopped VM has no line, and a removed one is not there, the server says by its status.
  assert.deepEqual(
    world.complaints.filter(text => !/status of (404|409)/.test(text)),
    [],
  );
});

const terminal = (page: Page) => page.locator('.xterm-screen');
const rows = (page: Page) => page.locator('.xterm-rows');
const connected = (page: Page) => page.locator('[data-serial=open]').waitFor();

test('a person finds the VM, types in its serial console, and the guest answers', { skip }, async () => {
  const page = await world.signedIn('/vms');
  await page.getByRole('searchbox').fill('we');
  await page.waitForURL(/find=we/);
  await page.getByRole('link', { name: 'web', exact: true }).click();
  await page.locator('main h1', { hasText: 'web' }).waitFor();
  await connected(page);
  // What it showed before anybody looked.
  await rows(page).getByText('coax-guest-ready name=web').waitFor();
  await page.keyboard.type('echo sum-$((6 * 7))\n');
  await rows(page).getByText('sum-42').waitFor();
  await page.keyboard.type('hostname\n');
  await page.getByRole('button', { name: 'Tell the size' }).click();
  await page.keyboard.type('stty size\n');
  await rows(page)
    .getByText(/^\d+ \d{2,3}$/)
    .first()
    .waitFor();
  await becomes(() => page.locator('footer code').innerText(), 'coax vm console web -i');
  await shot(page, 'vm-console');
  await axe(page);

  // Somebody else only watches: sees it, and cannot type.
  const other = await world.signedIn('/vms/web');
  await connected(other);
  await other.getByLabel('Only watch').check();
  await other.getByText(/You watch; keys go nowhere · 2 watching/).waitFor();
  await terminal(other).click();
  await other.keyboard.type('echo no-$((1 + 1))\n');
  await page.keyboard.type('echo yes-$((1 + 1))\n');
  await rows(other).getByText('yes-2').waitFor();
  assert.equal(await rows(other).getByText('no-2').count(), 0);
  await other.context().close();

  // The keys can leave the terminal.
  await page.keyboard.press('Control+]');
  await page.keyboard.press('Tab');
  await becomes(() => page.locator('.xterm :focus').count(), 0);
  await page.context().close();
});

test('what the VM uses is shown as its host tells it, and a command shows the same', { skip }, async () => {
  const page = await world.signedIn('/vms/web');
  await page.getByRole('tab', { name: 'What it uses' }).click();
  const figure = (name: string) => page.locator(`[data-use="${name}"]`);
  await figure('RSS').getByText(/MiB$/).waitFor();
  // How much in a time is known from the second report on.
  await matches(() => figure('of one CPU of the host').innerText(), /^[\d.]+ %$/);
  await matches(() => figure('read').innerText(), /B\/s$/);
  await becomes(() => page.locator('footer code').innerText(), 'coax top --vms --vm web');
  await page.getByText('The same in figures').click();
  await shot(page, 'vm-use');
  await axe(page);
  await page.setViewportSize(NARROW);
  await axe(page);
  await page.context().close();
});

test('stop and start, as buttons say; the console says that its line ended, and connects again', {
  skip,
}, async () => {
  const page = await world.signedIn('/vms/web');
  await connected(page);
  await becomes(() => page.getByRole('button', { name: 'Start' }).getAttribute('aria-disabled'), 'true');
  await page.getByRole('button', { name: 'Stop' }).click();
  const dialog = page.getByRole('dialog');
  assert.match(await dialog.innerText(), /Powers web down/);
  assert.equal(await dialog.locator('code').innerText(), 'coax vm stop web');
  await dialog.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('The line has ended.').waitFor();
  await page.getByText('stopped', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Connect again' }).click();
  await page.getByText(/has no serial line now: it is stopped/).waitFor();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
  await connected(page);
  await rows(page).getByText('coax-guest-ready').first().waitFor();

  await page.getByRole('tab', { name: 'History' }).click();
  const history = page.getByRole('list', { name: 'History' }).getByRole('listitem');
  await becomes(
    async () => (await history.allInnerTexts()).map(text => text.split('\n')[1]),
    ['start_vm', 'stop_vm', 'create_vm'],
  );
  await page.getByRole('tab', { name: 'Why here' }).click();
  await page.getByText('chosen').waitFor();
  await shot(page, 'vm-why');
  await axe(page);
  await page.context().close();
});

test('a VM is removed with a reason; its host shows what is on it, on a telephone and in Chinese too', {
  skip,
}, async () => {
  const page = await world.signedIn('/vms/web', { viewport: NARROW, locale: 'zh-CN', colorScheme: 'dark' });
  await connected(page);
  await shot(page, 'vm-narrow-zh');
  await axe(page);
  await page.locator('main dl a').first().click();
  await page.getByRole('link', { name: 'web', exact: true }).waitFor();
  await shot(page, 'host-narrow-zh');
  await axe(page);
  await page.getByRole('link', { name: 'web', exact: true }).click();
  await page.getByRole('button', { name: '删除' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('理由').fill('no longer needed');
  await dialog.getByRole('button', { name: '删除' }).click();
  await dialog.waitFor({ state: 'hidden' });
  const client = world.client();
  assert.equal((await client.waitFor(msgid)).status, 'rolled_back');
  const { items } = await client.commits(msgid);
  assert.match(JSON.stringify(items), /no longer needed/);
  client.close();
  await page.getByText('there is no VM "web"').waitFor();
  await page.context().close();
});
