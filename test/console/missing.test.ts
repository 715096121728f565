/** What a person sees when a file of the console does not load: a line that says so, and a way on; the page is loaded again once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { axe, becomes, ConsoleWorld, shot } from './console-fixture.ts';

const world = new ConsoleWorld();
before(() => world.open());
after(() => world.close());

const LOADED_BY = "performance.getEntriesByType('navigation')[0]?.type";

/** Cuts the requests for files whose names begin so, as a changed network does; counts them, and the documents since. `forGood`: also after the page was loaded again. Returns what lets them through again. */
async function cut(page: Page, name: RegExp, forGood = true) {
  const told = { cut: 0, documents: 0 };
  const matches = (url: URL): boolean => name.test(url.pathname);
  page.on('request', request => {
    if (request.isNavigationRequest()) told.documents++;
  });
  await page.route(matches, route => {
    if (!forGood && told.documents > 0) return route.continue();
    told.cut++;
    return route.abort('failed');
  });
  return { told, mend: () => page.unroute(matches) };
}

test('a screen that does not load is loaded again once by itself, and the person sees no fault', async () => {
  const page = await world.signedIn('/');
  const { told } = await cut(page, /\/assets\/hosts-/, false);
  await page.locator('nav a[href="/hosts"]').press('Enter');
  await page.locator('main table, main [role=table], main [role=grid]').first().waitFor();
  assert.equal(new URL(page.url()).pathname, '/hosts');
  assert.ok(told.cut > 0);
  assert.equal(told.documents, 1);
  await page.context().close();
});

test('one that never loads says so in a visible line, loads the page once only, and the rest works', async () => {
  const page = await world.signedIn('/');
  const { told, mend } = await cut(page, /\/assets\/hosts-/);
  await page.locator('nav a[href="/hosts"]').press('Enter');
  const notice = page.locator('[data-missing]');
  // The notice of the first load goes with it: the one that stays is that of the second.
  await becomes(() => page.evaluate(LOADED_BY), 'reload');
  await notice.waitFor();
  assert.match(await notice.innerText(), /did not load[\s\S]*Load the page again/);
  assert.equal(told.documents, 1);
  await axe(page);
  await shot(page, 'missing-screen');
  await page.locator('nav a[href="/vms"]').press('Enter');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('nav a[href="/hosts"]').press('Enter');
  await notice.waitFor();
  assert.equal(told.documents, 1);
  await mend();
  await notice.getByRole('button').press('Enter');
  await page.locator('main table, main [role=table], main [role=grid]').first().waitFor();
  assert.equal(told.documents, 2);
  await page.context().close();
});

test('without its first script the page is not blank', async () => {
  const page = await world.page();
  const { mend } = await cut(page, /\/assets\/index-.*\.js$/);
  await page.goto(`${world.url}/messages?status=parked`);
  const line = page.getByText('The console has not begun');
  await line.waitFor();
  await shot(page, 'missing-script');
  await mend();
  await page.getByRole('link', { name: 'Load it again' }).click();
  await page.getByLabel('Token').waitFor();
  assert.equal(page.url(), `${world.url}/messages?status=parked`);
  await page.context().close();
});

test('without the texts of a language the page goes on in English, and says so', async () => {
  const page = await world.page({ locale: 'zh-CN' });
  const { told, mend } = await cut(page, /\/assets\/zh-/);
  await page.goto(world.url);
  await becomes(() => page.evaluate(LOADED_BY), 'reload');
  await page.locator('[data-missing]').waitFor();
  await page.getByLabel('Token').waitFor();
  await shot(page, 'missing-language');
  assert.equal(told.documents, 2);
  await mend();
  await page.locator('[data-missing] button').click();
  await page.getByLabel('令牌').waitFor();
  await page.context().close();
});
