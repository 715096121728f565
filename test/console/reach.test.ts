/** Everybody can use it: axe finds nothing on any screen, light or dark, wide or narrow, in either language. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { ConsoleWorld, NARROW, WIDE } from './console-fixture.ts';

const world = new ConsoleWorld();
before(() => world.open());
after(async () => {
  await world.close();
  assert.deepEqual(world.complaints, []);
});

async function faultsOn(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(node => `${page.url()} ${id}: ${help}; ${node.target.join(' ')}; ${node.failureSummary}`),
  );
}

const LOOKS = [
  { colorScheme: 'light', viewport: WIDE, locale: 'en-GB' },
  { colorScheme: 'dark', viewport: NARROW, locale: 'zh-CN' },
] as const;

test('a fault that is planted is found', async () => {
  const page = await world.page();
  await page.goto(world.url);
  await page.getByLabel('Token').waitFor();
  await page.evaluate('document.querySelector("label").remove()');
  assert.match((await faultsOn(page)).join('\n'), /label/);
  await page.context().close();
});

for (const look of LOOKS) {
  test(`every screen, ${look.colorScheme}, ${look.viewport.width} pixels, ${look.locale}`, async () => {
    const client = world.client();
    const submit = (flow: string, parameters: Record<string, unknown>) =>
      client.submit({ flow, parameters: { ...parameters, gate: world.gate } } as never);
    const parked = await submit('build_road', { town: 'Cork', fail: 2, stick: 1 });
    const town = await submit('build_town', { roads: ['Quay', 'Mill Lane'], hold: 1 });
    const door = await world.page(look);
    await door.goto(world.url);
    await door.locator('input[type=password]').waitFor();
    const faults = await faultsOn(door);
    await door.context().close();

    const page = await world.signedIn('/', look);
    const visit = async (path: string, ready: string, act?: () => Promise<void>): Promise<void> => {
      await page.locator(`nav a[href="${path.replace(/^(\/\w*).*/, '$1')}"]`).click();
      if (!/^\/\w*$/.test(path)) await page.locator(`main a[href="${path}"]`).first().click();
      await page.locator(ready).first().waitFor();
      await act?.();
      faults.push(...(await faultsOn(page)));
    };
    await visit('/', '[data-brief]');
    await visit('/messages', '[data-index]');
    await visit(`/messages/${parked.msgid}`, '[data-state=parked]');
    for (const tab of [1, 2])
      await visit(`/messages/${parked.msgid}`, '[data-commit]', () => page.getByRole('tab').nth(tab).click());
    await visit(`/messages/${parked.msgid}`, '[data-commit]', () =>
      page.locator('[data-commit] button').first().click(),
    );
    for (const verb of [1, 4])
      await visit(`/messages/${parked.msgid}`, '[data-commit]', async () => {
        await page.locator('main fieldset button').nth(verb).click();
        await page.locator('dialog[open] input').first().waitFor();
        faults.push(...(await faultsOn(page)));
        await page.keyboard.press('Escape');
        await page.locator('dialog[open]').waitFor({ state: 'detached' });
      });
    await visit(`/messages/${town.msgid}`, '[data-plan]', () =>
      page.locator('main [aria-expanded=false]').first().click(),
    );
    await visit('/create', 'main li a');
    await visit('/create/build_road', 'form', () => page.locator('main form button').click());
    assert.equal([...new Set(faults)].join('\n'), '');
    await page.context().close();
    world.openGate();
  });
}
