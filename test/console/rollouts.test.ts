/** Packages and rollouts in the console, on the hosts of a server: real packages, real health checks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildWeb, publishAll } from '../package/publish-all.ts';
import { axe, becomes, ConsoleWorld, matches, NARROW, shot } from './console-fixture.ts';

const HOSTS = ['sim-1', 'sim-2', 'sim-3', 'sim-4'];
const world = new ConsoleWorld();
before(() => world.open());
after(async () => {
  await world.close();
  // A rollout without a plan yet is asked for, and is not there.
  assert.deepEqual(
    world.complaints.filter(text => !/status of 404 .*\/v1\/rollouts\//.test(text)),
    [],
  );
});

/** What stands on each host, as its own folder says. */
const standing = (): string[] =>
  HOSTS.map(host => readFileSync(join(world.dir, 'data/packages', host, 'current/web/version'), 'utf8'));

test('packages are listed, one is rolled out by a form, and goes on when a person approves', async () => {
  const page = await world.signedIn('/packages');
  await page.getByText('No package is published').first().waitFor();
  await axe(page);
  await shot(page, 'packages-empty');
  await publishAll(world.client(), world.dir, [
    await buildWeb(world.dir, '1.0.0', []),
    await buildWeb(world.dir, '1.1.0', ['sim-2', 'sim-3', 'sim-4']),
  ]);
  await page.getByRole('button', { name: 'Roll out web@1.0.0' }).click();
  const form = page.getByRole('dialog');
  assert.equal(await form.getByLabel('Package').inputValue(), 'web@1.0.0');
  await form.getByLabel('Waves').fill('50%, 100%');
  await becomes(
    () => form.locator('code').innerText(),
    'coax package rollout web@1.0.0 --on all --waves 50%,100% --pause-after canary',
  );
  await axe(page);
  await shot(page, 'rollout-new');
  await form.getByRole('button', { name: 'Roll out' }).click();
  await page.waitForURL(/\/rollouts\/\d+$/);
  await page.getByText('Paused after: Canaries. It goes on when a person approves.').waitFor();
  await page.locator('[data-wave=canary][aria-current=step]').getByText('1 switched').first().waitFor();
  await axe(page);
  await shot(page, 'rollout-paused');
  await page.getByRole('button', { name: 'Approve' }).press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('canaries are fine');
  await matches(() => dialog.locator('code').innerText(), /^coax approve \d+ --reason 'canaries are fine'$/);
  await dialog.getByRole('button', { name: 'Approve' }).press('Enter');
  await page.getByText('done', { exact: true }).waitFor();
  await page.getByText('4 switched').first().waitFor();
  assert.deepEqual(standing(), ['1.0.0', '1.0.0', '1.0.0', '1.0.0']);
  await page.context().close();
});

test('one that fails on too many hosts is rolled back, and the page says what and why', async () => {
  const { msgid } = await world.client().submit({
    flow: 'rollout_package',
    parameters: {
      package: 'web',
      version: '1.1.0',
      on: 'all',
      canary: 'sim-1',
      waves: ['100%'],
      budget: '1',
    },
  });
  const page = await world.signedIn(`/rollouts/${msgid}`);
  await page.getByText('rolled back', { exact: true }).waitFor();
  // The message and the rollout are read by a request each.
  await matches(() => page.locator('main').innerText(), /Rolled back: .+\. Hosts switched back: \d/);
  await matches(() => page.locator('main').innerText(), /\d failed of 1 allowed/);
  await axe(page);
  await shot(page, 'rollout-back');
  assert.deepEqual(standing(), ['1.0.0', '1.0.0', '1.0.0', '1.0.0']);
  await page.locator('nav a[href="/packages"]').click();
  await page.getByRole('link', { name: 'web@1.1.0' }).waitFor();
  await page.getByRole('button', { name: 'Ask the hosts' }).click();
  await page.locator('[data-standing]').nth(3).waitFor();
  await becomes(
    () => page.locator('[data-standing]').evaluateAll(rows => rows.map(row => row.textContent)),
    HOSTS.map(host => `${host}web1.0.0`),
  );
  await axe(page);
  await shot(page, 'packages');
  await page.context().close();
});

test('on a telephone, dark and in Chinese, nothing is wider than the screen; and it is rejected there', async () => {
  const { msgid } = await world.client().submit({
    flow: 'rollout_package',
    parameters: { package: 'web', version: '1.1.0', on: 'all', canary: 'sim-1', pause_after: ['canary'] },
  });
  const look = { viewport: NARROW, colorScheme: 'dark', locale: 'zh-CN' } as const;
  const page = await world.signedIn('/packages', look);
  const fits = async (): Promise<void> => {
    await axe(page);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false, page.url());
  };
  const link = page.locator(`a[href="/rollouts/${msgid}"]`);
  await link.waitFor();
  await fits();
  await shot(page, 'packages-narrow');
  await link.click();
  await page.getByRole('button', { name: '拒绝' }).waitFor();
  await fits();
  await shot(page, 'rollout-narrow');
  await page.getByRole('button', { name: '拒绝' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('太慢');
  await page.getByRole('dialog').getByRole('button', { name: '拒绝' }).click();
  await page.getByText('已回滚', { exact: true }).waitFor();
  assert.deepEqual(standing(), ['1.0.0', '1.0.0', '1.0.0', '1.0.0']);
  await page.context().close();
});
