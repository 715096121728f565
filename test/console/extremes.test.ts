/** What is long, many, or not there: nothing is cut off, nothing buries what matters, and each dead end has a way on. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { exactLength } from '../../web/src/parts/time/length.ts';
import { axe, becomes, ConsoleWorld, matches, NARROW, shot, WIDE } from './console-fixture.ts';

const LONGEST = 'lay_the_longest_pipeline_whose_name_is_as_long_as_a_name_may_be';
const VM = `a-vm-${'with-a-long-name-'.repeat(4)}`.slice(0, 62).replace(/-$/, '');
const world = new ConsoleWorld();
let long = 0;
before(async () => {
  await world.open();
  const client = world.client();
  const note = { list: Array.from({ length: 200 }, (_, at) => ({ at, text: 'x'.repeat(60) })) };
  const parameters = { note, fail: 13, gate: world.gate };
  const labels = { 'a-rather-long-name.example.com/of-a-label': 'with-a-value-that-is-long-as-well' };
  long = (await client.submit({ flow: LONGEST, parameters, labels })).msgid;
  await client.waitFor(long);
  const vm = await client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: VM } });
  assert.equal((await client.waitFor(vm.msgid)).status, 'done');
  const url = `http://127.0.0.1:9/${'a-long-path/'.repeat(8)}`;
  await client.webhooks.create({ url, events: ['accepted', 'failed', 'done', 'rolled_back', 'parked'] });
  client.close();
});
after(async () => {
  await world.close();
  // What is not there is asked for on purpose.
  assert.deepEqual(
    world.complaints.filter(text => !/status of (404|409)/.test(text)),
    [],
  );
});

/** What scrolls the page sideways, and what ends beyond its right edge without a box of its own that scrolls. */
const WIDER = `[...document.querySelectorAll('main, main h1, main h2, main a, main button, main span, main td')]
  .filter(each => each.matches('main') ? each.scrollWidth > each.clientWidth
    : each.getBoundingClientRect().right > innerWidth + 1 && !inBox(each))
  .map(each => each.outerHTML.slice(0, 100));
  function inBox(each) {
    for (let at = each.parentElement; at !== null && !at.matches('main'); at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowX) || at.classList.contains('truncate')) return true;
    return false;
  }`;

/** Goes to an address within the page, as a link does. */
async function go(page: Page, path: string): Promise<void> {
  await page.goto(world.url + path);
  await page.locator('main h1').waitFor();
}

for (const viewport of [NARROW, WIDE])
  test(`no screen is wider than the page at ${viewport.width} pixels, however long its names are`, async () => {
    const page = await world.signedIn('/', { viewport, locale: viewport === NARROW ? 'zh-CN' : 'en-GB' });
    const { items } = await world.client().webhooks.list();
    const screens: readonly (readonly [string, string])[] = [
      ['/', `[data-brief="${long}"]`],
      ['/messages', '[data-index]'],
      [`/messages/${long}`, '[data-commit]'],
      ['/create', `main a[href="/create/${LONGEST}"]`],
      [`/create/${LONGEST}`, 'form'],
      ['/hosts', 'a[href="/hosts/sim-1"]'],
      ['/hosts/sim-1', '[role=meter]'],
      ['/vms', `a[href="/vms/${VM}"]`],
      [`/vms/${VM}`, '[role=tab]'],
      ['/packages', 'main section'],
      ['/webhooks', `a[href="/webhooks/${items[0]!.id}"]`],
      [`/webhooks/${items[0]!.id}`, '[role=tab]'],
    ];
    const wider: string[] = [];
    for (const [path, ready] of screens) {
      await go(page, path);
      await page.locator(ready).first().waitFor();
      wider.push(...((await page.evaluate(WIDER)) as string[]).map(html => `${path} ${html}`));
    }
    assert.deepEqual(wider, []);
    // One that is planted is found.
    await page.evaluate(`document.querySelector('main h1').style.marginLeft = '${viewport.width - 20}px'`);
    assert.notDeepEqual(await page.evaluate(WIDER), []);
    await page.context().close();
  });

test('the tab of the browser says what is shown', async () => {
  const page = await world.signedIn('/');
  const titled = (title: string) => becomes(() => page.title(), title);
  await titled('Overview · Coax');
  await page.getByRole('link', { name: 'Hosts', exact: true }).click();
  await titled('Hosts · Coax');
  await page.getByRole('link', { name: 'sim-1' }).click();
  await titled('sim-1 · Coax');
  await page.goBack();
  await titled('Hosts · Coax');
  await go(page, `/messages/${long}`);
  await titled(`${LONGEST} ${long} · Coax`);
  await go(page, '/create/build_road');
  await titled('build_road · Coax');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await titled('Sign in · Coax');
  await page.context().close();
});

test('what is not there says so, and where to go on', async () => {
  const page = await world.signedIn('/');
  const leads = async (path: string, text: string, link: string) => {
    await go(page, path);
    await page.locator('main').getByText(text).first().waitFor();
    await page.locator('main').getByRole('link', { name: link }).waitFor();
    // To ask again would not help.
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0, path);
  };
  await leads('/messages/999999', 'there is no message 999999', 'Messages');
  await leads('/hosts/nowhere', 'no host is called nowhere', 'Hosts');
  await leads('/vms/nothing', 'there is no VM "nothing"', 'VMs');
  await leads('/webhooks/wh_0000000000000000', 'there is no webhook', 'Webhooks');
  await leads('/create/nothing', 'There is no flow nothing', 'All flows');
  await leads(`/rollouts/${long}`, `Message ${long} is no rollout`, `Message ${long}`);
  await axe(page);
  await leads('/messages/abc', 'There is no such page', 'To the overview');
  await leads('/no/such/page', 'There is no such page', 'To the overview');
  await axe(page);
  await page.context().close();
});

test('the line shows the step that matters; a parameter of 20 kB scrolls in a box of its own', async () => {
  const page = await world.signedIn(`/messages/${long}`);
  const failed = page.locator('[data-plan] > [data-state=failed]');
  await failed.waitFor();
  const inSight = `(() => {
    const line = document.querySelector('[data-plan]').getBoundingClientRect();
    const step = document.querySelector('[data-plan] > [data-state=failed]').getBoundingClientRect();
    return step.left >= line.left && step.right <= line.right;
  })()`;
  await becomes(() => page.evaluate(inSight), true);
  await page.getByRole('tab', { name: 'Parameters' }).click();
  const value = page.getByRole('row', { name: /^note/ }).locator('pre');
  await value.waitFor();
  assert.ok((await value.boundingBox())!.height < 400);
  await axe(page);
  await shot(page, 'message-long');
  await page.context().close();
});

test('of many attempts the newest are shown, the others on demand', async () => {
  const client = world.client();
  const { msgid } = await client.submit({ flow: 'try_often', parameters: { again: 0, gate: world.gate } });
  await client.waitFor(msgid);
  const page = await world.signedIn(`/messages/${msgid}`);
  const attempts = page.locator('[data-step-panel] > ul > li');
  const more = page.getByRole('button', { name: /earlier attempts$/ });
  // Twelve attempts, and the undo.
  await page.getByRole('button', { name: '9 earlier attempts' }).waitFor();
  assert.equal(await attempts.count(), 4);
  assert.equal(await page.locator('[data-step-panel] details[open]').count(), 1);
  await axe(page);
  await more.click();
  await attempts.nth(12).waitFor();
  assert.equal(await more.count(), 0);
  client.close();
  await page.context().close();
});

test('what waits for its next attempt says when that is, in the time of the person', async () => {
  const client = world.client();
  const { msgid } = await client.submit({
    flow: 'wait_for_weather',
    parameters: { again: 0, gate: world.gate },
  });
  const page = await world.signedIn(`/messages/${msgid}`, { timezoneId: 'Asia/Shanghai' });
  await page.getByText('Attempt 2 is to come.').waitFor();
  await page.locator('[data-plan]').getByText('waits').waitFor();
  await page.locator('main time', { hasText: /\(in \d+ min\)$/ }).waitFor();
  const { notBefore } = await client.message(msgid);
  const there = new Date(notBefore!).toLocaleTimeString('en-GB', { timeZone: 'Asia/Shanghai' });
  await page.locator('main time', { hasText: there }).waitFor();
  await client.cancel(msgid, { reason: 'enough' });
  client.close();
  await page.context().close();
});

test('a host whose agent is being started anew says until when it has time', async () => {
  const db = new DatabaseSync(join(world.dir, 'data/coax.db'), { timeout: 20_000 });
  // In ten minutes, so that it is not over while the page is read.
  const seen = Date.now() + 600_000;
  db.prepare(
    `INSERT INTO agents (host, public_key, version, address, boot_id, report, enrolled, seen, lease_until)
     VALUES ('sim-3', 'k', '1', '10.0.0.3', 'b', '', 1, ?, ?)`,
  ).run(seen, seen + 30_000);
  db.exec("UPDATE hosts SET agent = 1 WHERE name = 'sim-3'");
  const page = await world.signedIn('/hosts/sim-3');
  await page.getByText(/^Its agent is being started anew\..* \(in \d+ min\)\.$/).waitFor();
  await axe(page);
  // One that is heard of as ever is not.
  db.exec('UPDATE agents SET lease_until = lease_until - 10000');
  await page.getByText('Its agent is being started anew').waitFor({ state: 'detached' });
  db.close();
  await page.context().close();
});

test('a group took as long as its branches, and is one attempt', async () => {
  const client = world.client();
  const { msgid } = await client.submit({
    flow: 'build_town',
    parameters: { roads: ['Quay'], gate: world.gate },
  });
  await client.waitFor(msgid);
  const page = await world.signedIn(`/messages/${msgid}`);
  const group = page.locator('[data-plan] > [data-state=done]').nth(1);
  await group.getByText(/done [\d.]+ m?s$/).waitFor();
  const { items } = await client.commits(msgid);
  const of = (outcome: string) => items.find(each => each.step === 'each' && each.outcome === outcome)!;
  const tookMs = of('ok').finished - of('split').started;
  assert.ok(tookMs > 0);
  await matches(() => group.innerText(), new RegExp(`done ${exactLength(tookMs)}`));
  assert.doesNotMatch(await group.innerText(), /attempt/);
  client.close();
  await page.context().close();
});
