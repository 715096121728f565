/** The screen of a message, as a person uses it: the line with its cursor, the ledger, and the verbs. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { becomes, ConsoleWorld, matches, NARROW } from './console-fixture.ts';

const world = new ConsoleWorld();
before(() => world.open());
after(async () => {
  await world.close();
  assert.deepEqual(world.complaints, []);
});

const road = (parameters: Record<string, unknown>) =>
  world.client().submit({ flow: 'build_road', parameters: { town: 'Ayr', gate: world.gate, ...parameters } });

/** States of the steps on the line, and of the way back under it. */
async function lineOf(page: Page): Promise<{ steps: (string | null)[]; back: (string | null)[] }> {
  const attributes = (selector: string, name: string) =>
    page.locator(selector).evaluateAll((found, of) => found.map(one => one.getAttribute(of)), name);
  return {
    steps: await attributes('[data-plan] > [data-state]', 'data-state'),
    back: await attributes('[data-plan] [data-back]', 'data-back'),
  };
}

/** Presses a verb, gives a reason, and does it. */
async function decide(page: Page, verb: string, more?: () => Promise<void>): Promise<void> {
  await page.getByRole('button', { name: verb, exact: true }).click();
  await more?.();
  await page.getByLabel('Reason').fill('tried in a test');
  await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

test('the cursor moves along the line while it is watched; a cancel draws the way back', async () => {
  const { msgid } = await road({ hold: 1 });
  const page = await world.signedIn(`/messages/${msgid}`);
  await page.locator('[data-state=current]').waitFor();
  await becomes(async () => (await lineOf(page)).steps, ['done', 'current', 'pending']);
  await matches(() => page.locator('[aria-current=step]').innerText(), /pave/);

  await page.getByRole('button', { name: 'Cancel' }).click();
  const dialog = page.getByRole('dialog');
  await matches(() => dialog.innerText(), /Undoes 2 steps, last first:\s*↶ 1 site pave\s*↶ 0 site survey/);
  const doIt = dialog.getByRole('button', { name: 'Cancel' });
  assert.equal(await doIt.isDisabled(), true, 'a reason is asked for');
  await page.getByLabel('Reason').fill('it’s late');
  await matches(() => dialog.locator('code').innerText(), /^coax cancel \d+ --reason 'it’s late'$/);
  await doIt.click();
  await page.getByText('rolled back', { exact: true }).waitFor();
  // The commits, which say what failed, are read beside the message.
  await becomes(() => lineOf(page), {
    steps: ['undone', 'undone', 'pending'],
    back: ['undone', 'undone'],
  });
  const { items } = await world.client().commits(msgid);
  const cancelled = items.find(({ outcome }) => outcome === 'cancel');
  assert.match(JSON.stringify(cancelled), /it’s late/);
  await page.context().close();
});

test('a parked message is resolved', async () => {
  const { msgid } = await road({ fail: 2, stick: 1 });
  const page = await world.signedIn(`/messages/${msgid}`);
  await page.getByText('A person must decide').waitFor();
  await becomes(() => lineOf(page), { steps: ['done', 'parked', 'failed'], back: ['undoing', 'undone'] });
  await matches(() => page.locator('[data-step-panel]').innerText(), /the roller stands on the road/);
  await decide(page, 'Resolve', async () => {
    await page.getByLabel('It is undone').check();
    await matches(() => page.getByRole('dialog').locator('code').innerText(), /^coax resolve \d+ undone/);
  });
  await page.getByText('rolled back', { exact: true }).waitFor();
  assert.equal((await world.client().message(msgid)).status, 'rolled_back');
  await page.context().close();
});

test('a message that is done is rewound with another parameter, forked, and reverted', async () => {
  const { msgid } = await road({});
  const page = await world.signedIn(`/messages/${msgid}`);
  await page.locator('main').getByText('done', { exact: true }).first().waitFor();
  await decide(page, 'Rewind', async () => {
    await page.getByLabel('Back to, and again from').selectOption('1');
    await page.getByRole('button', { name: 'Change a parameter' }).click();
    await page.getByLabel('Name').fill('lanes');
    await becomes(() => page.getByLabel('Value').inputValue(), '2', 'what it is now comes with the name');
    await page.getByLabel('Value').fill('4');
  });
  await page.locator('[data-commit]').filter({ hasText: 'rewound' }).waitFor();
  await page.locator('[data-state=done]').nth(2).waitFor();
  await becomes(async () => (await world.client().message(msgid)).parameters.lanes, 4);

  await decide(page, 'Fork');
  await page.waitForURL(url => !url.pathname.endsWith(`/${msgid}`));
  await page.goBack();
  await page.locator('h1', { hasText: String(msgid) }).waitFor();
  await decide(page, 'Revert');
  await page.getByText('It was reverted.').waitFor();
  await page.context().close();
});

test('what the server refuses stands in the dialog, and nothing was done', async () => {
  const { msgid } = await road({});
  const page = await world.signedIn(`/messages/${msgid}`);
  await page.getByRole('button', { name: 'Revert', exact: true }).click();
  // Somebody else decides while this person reads.
  await world.client().revert(msgid, { reason: 'first' });
  await page.getByLabel('Reason').fill('second');
  await page.getByRole('dialog').getByRole('button', { name: 'Revert' }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
  assert.match(await page.getByRole('dialog').getByRole('alert').innerText(), /COAX_/);
  world.complaints.splice(0);
  await page.context().close();
});

test('the ledger shows what each commit changed; blame says who set what', async () => {
  const { msgid } = await road({ fail: 2 });
  const page = await world.signedIn(`/messages/${msgid}`);
  const commits = page.locator('[data-commit]');
  await commits.nth(6).waitFor();
  await becomes(() => commits.locator('button span.font-medium').first().innerText(), 'undo site survey');
  await commits.nth(1).locator('button').first().click();
  assert.match(
    await commits.nth(1).getByLabel('Parameters that it changed').innerText(),
    /− paved: "asphalt"/,
  );
  await page.getByRole('tab', { name: 'Parameters' }).click();
  await page.getByRole('cell', { name: 'town', exact: true }).waitFor();
  await becomes(() => page.locator('[data-command], footer code').last().innerText(), `coax blame ${msgid}`);
  await page.context().close();
});

test('branches are nested in the plan of their message, by hand of the keyboard alone, on a telephone', async () => {
  const { msgid } = await world
    .client()
    .submit({ flow: 'build_town', parameters: { roads: ['Quay', 'Mill Lane'], gate: world.gate } });
  const page = await world.signedIn(`/messages/${msgid}`, { viewport: NARROW });
  const open = page.getByRole('button', { name: /^Show the plan of/ }).first();
  await open.focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-plan]').nth(1).waitFor();
  const width = await page.locator('html').evaluate(html => html.scrollWidth);
  assert.equal(width, NARROW.width, 'nothing is cut off');
  await page.context().close();
});

test('what is picked stands in the address: a link shows the same, and Back returns to it', async () => {
  const { msgid } = await road({ town: 'Deal' });
  await world.client().waitFor(msgid);
  const page = await world.signedIn(`/messages/${msgid}`);
  const at = (search: string) => page.waitForURL(`${world.url}/messages/${msgid}${search}`);
  const tab = page.locator('[role=tab][aria-selected=true]');
  const panel = page.locator('[data-step-panel] h3');
  await page.getByRole('tab', { name: 'Parameters' }).click();
  await at('?tab=parameters');
  await page.locator('[data-plan] button').filter({ hasText: 'pave' }).click();
  await at('?tab=parameters&step=1');
  await becomes(() => page.locator('footer code').innerText(), `coax blame ${msgid}`);

  const other = await world.signedIn(`/messages/${msgid}?tab=parameters&step=1`);
  await becomes(() => other.locator('[role=tab][aria-selected=true]').innerText(), 'Parameters');
  await matches(() => other.locator('[data-step-panel] h3').innerText(), /^1 site pave/);
  await other.goto(`${world.url}/messages/${msgid}?tab=nonsense&step=99`);
  await becomes(() => other.locator('[role=tab][aria-selected=true]').innerText(), 'Ledger');
  await matches(() => other.locator('[data-step-panel] h3').innerText(), /^\d site /);
  // On a telephone there is no room for all tabs: the one that is shown is not cut off.
  await other.setViewportSize({ width: 250, height: 600 });
  await other.goto(`${world.url}/messages/${msgid}?tab=raw`);
  await becomes(
    () =>
      other.locator('[role=tab][aria-selected=true]').evaluate(tab => {
        const line = tab.parentElement!.getBoundingClientRect();
        const { left, right } = tab.getBoundingClientRect();
        return left >= line.left - 1 && right <= line.right + 1;
      }),
    true,
  );
  await other.context().close();

  await page.goBack();
  await at('?tab=parameters');
  await becomes(() => tab.innerText(), 'Parameters');
  await matches(() => panel.innerText(), /^2 site light/);
  await page.goBack();
  await at('');
  await becomes(() => tab.innerText(), 'Ledger');
  await page.goForward();
  await becomes(() => tab.innerText(), 'Parameters');
  await page.context().close();
});
