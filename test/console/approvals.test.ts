/** What waits for a person to approve, wherever a person looks for work: shown, counted, and decided there. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { buildWeb, publishAll } from '../package/publish-all.ts';
import { axe, becomes, ConsoleWorld, matches, NARROW, shot } from './console-fixture.ts';

const world = new ConsoleWorld();
before(() => world.open());
after(async () => {
  await world.close();
  // What was decided about meanwhile is refused on purpose.
  assert.deepEqual(
    world.complaints.filter(text => !/status of 412/.test(text)),
    [],
  );
});

/** A message that waits at its question; resolves when it does. */
async function waiting(flow = 'ask_first'): Promise<number> {
  const { msgid } = await world.client().submit({ flow, parameters: {} });
  await becomes(async () => (await world.client().message(msgid)).waitingFor, 'a person');
  return msgid;
}

const itemOf = (page: Page, msgid: number) => page.locator(`[data-approval="${msgid}"]`);
const badge = (page: Page) => page.getByRole('link', { name: 'Overview' }).locator('span');

async function decide(page: Page, verb: 'Approve' | 'Reject', reason: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill(reason);
  await dialog.getByRole('button', { name: verb }).click();
  await dialog.waitFor({ state: 'hidden' });
}

test('the overview lists and counts what is to be approved, and a click there decides', async () => {
  const page = await world.signedIn('/');
  await page.getByText('Nothing waits for a person.').waitFor();
  const yes = await waiting();
  await itemOf(page, yes).waitFor();
  await page.getByText('To approve: 1').waitFor();
  await becomes(() => badge(page).allInnerTexts(), ['1']);
  await matches(() => badge(page).getAttribute('title'), /^0 parked, 1 to approve/);
  await axe(page);
  await shot(page, 'approvals-overview');
  await itemOf(page, yes).getByRole('button', { name: 'Approve' }).press('Enter');
  await matches(() => page.getByRole('dialog').locator('code').innerText(), /^coax approve \d+ --reason/);
  await axe(page);
  await decide(page, 'Approve', 'dry enough');
  await page.getByText('Nothing waits for a person.').waitFor();
  await becomes(() => badge(page).count(), 0);
  assert.equal((await world.client().waitFor(yes)).status, 'done');
  assert.match(JSON.stringify(await world.client().commits(yes)), /dry enough/);

  const no = await waiting();
  await itemOf(page, no).getByRole('button', { name: 'Reject' }).click();
  await decide(page, 'Reject', 'too wet');
  assert.equal((await world.client().waitFor(no)).status, 'rolled_back');
  await itemOf(page, no).waitFor({ state: 'detached' });
  await page.context().close();
});

test('a wave of a rollout is among them, by the name of what is rolled out', async () => {
  await publishAll(world.client(), world.dir, [await buildWeb(world.dir, '1.0.0', [])]);
  const { msgid } = await world.client().submit({
    flow: 'rollout_package',
    parameters: { package: 'web', version: '1.0.0', on: 'all', canary: 'sim-1', pause_after: ['canary'] },
  });
  const page = await world.signedIn('/');
  const item = page.locator('[data-approval]').filter({ hasText: 'web@1.0.0' });
  await item.getByRole('link', { name: String(msgid) }).waitFor();
  const list = await world.signedIn('/packages');
  await list
    .getByRole('row', { name: /web@1\.0\.0/ })
    .getByText('to approve')
    .waitFor();
  await list.context().close();
  await item.getByRole('button', { name: 'Approve' }).click();
  await decide(page, 'Approve', 'canaries are fine');
  await item.waitFor({ state: 'detached' });
  assert.equal((await world.client().waitFor(msgid)).status, 'done');
  await page.context().close();
});

test('the list of messages finds them, branches too, and the address says so', async () => {
  const town = await world.client().submit({ flow: 'ask_twice', parameters: {} });
  await becomes(async () => (await world.client().counts()).approval, 2);
  const page = await world.signedIn('/messages');
  await page.getByRole('button', { name: /^to approve/ }).click();
  await page.waitForURL(/\/messages\?approval=true$/);
  await becomes(() => page.locator('footer code').innerText(), 'coax ls --approval --watch');
  const rows = page.getByRole('row').filter({ hasText: 'approval give' });
  await becomes(() => rows.count(), 2);
  await matches(() => rows.first().innerText(), /to approve/);
  await shot(page, 'approvals-messages');
  await page.goto(`${world.url}/messages/${town.msgid}`);
  const banner = page.locator('[data-awaits]');
  await banner.getByText('A branch waits for a person to approve').waitFor();
  await axe(page);
  await shot(page, 'approvals-parent');
  const first = await banner.getAttribute('data-awaits');
  await banner.getByRole('button', { name: 'Approve' }).click();
  await decide(page, 'Approve', 'go');
  await page.locator(`[data-awaits]:not([data-awaits="${first}"])`).waitFor();
  await banner.getByRole('button', { name: 'Approve' }).click();
  await decide(page, 'Approve', 'go');
  assert.equal((await world.client().waitFor(town.msgid)).status, 'done');
  await page.context().close();
});

test('its own page has the decision, also on a telephone; one that has gone on is not decided about', async () => {
  const msgid = await waiting('ask_again');
  const page = await world.signedIn(`/messages/${msgid}`, { viewport: NARROW });
  await page.getByText('A person must approve before it goes on.').waitFor();
  await axe(page);
  await shot(page, 'approvals-message-narrow');
  assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false);
  await page.locator('[data-awaits]').getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill('the first question');
  // Somebody else answers that one; the message asks another now.
  const first = await world.client().message(msgid);
  await world.client().approve(msgid, { reason: 'from elsewhere' });
  await becomes(async () => {
    const now = await world.client().message(msgid);
    return now.waitingFor === 'a person' && now.cursor > first.cursor;
  }, true);
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.getByText(`message ${msgid} has moved on since`).waitFor();
  assert.equal((await world.client().message(msgid)).waitingFor, 'a person', 'it was not decided about');
  await page.context().close();
});
