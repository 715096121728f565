/** A person logs in by a real provider of OpenID Connect, in a real browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { exec } from '../../src/linux/process/exec.ts';
import { ROOT } from '../house/tree.ts';
import { openWithProvider, type WithProvider } from '../security/oidc-fixture.ts';
import { CHROMIUM } from './console-fixture.ts';
import { ownNetwork } from './own-network.ts';

let world: WithProvider;
let browser: Browser;
before(async () => {
  const built = await exec('sh', [join(ROOT, 'scripts/build.sh'), '--stale'], { timeoutMs: 120_000 });
  assert.equal(built.code, 0, built.stderr);
  await ownNetwork();
  world = await openWithProvider(join(ROOT, 'web/dist'));
  await world.served.services.identity.projects.create('shop', {}, 'tester');
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
});
after(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
});

test('a person signs in by the provider, comes back to the page asked for, and signs out', async () => {
  const { served, issuer } = world;
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${served.url}/messages?status=parked`);
  await page.getByRole('link', { name: /Example/ }).click();
  await page.waitForURL(url => url.origin === new URL(issuer).origin);
  await page.locator('input[name=login]').fill('alice');
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  // The provider asks whether Coax may know who it is.
  const agree = page.getByRole('button', { name: 'Continue' });
  await Promise.race([agree.waitFor(), page.waitForURL(url => url.origin === served.url)]);
  if (new URL(page.url()).origin !== served.url) await agree.click();
  await page.waitForURL(`${served.url}/messages?status=parked`);
  await page.getByText('alice@example.org').first().waitFor();
  // Nothing that opens something is in reach of a script.
  const seen = await page.evaluate(
    'document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)',
  );
  assert.doesNotMatch(String(seen), /coax_/);
  const [session] = (await context.cookies(served.url)).filter(({ name }) => name === 'coax_session');
  assert.deepEqual([session?.httpOnly, session?.sameSite], [true, 'Strict']);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: /Example/ }).waitFor();
  await context.close();
});
