/** Each screen's main task, as a person does it: signing in, creating, finding messages, seeing what needs a person. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { becomes, ConsoleWorld, matches, NARROW } from './console-fixture.ts';

const world = new ConsoleWorld();
before(() => world.open());
after(async () => {
  await world.close();
  assert.deepEqual(world.complaints, []);
});

const road = (parameters: Record<string, unknown> = {}) =>
  world.client().submit({ flow: 'build_road', parameters: { town: 'Ayr', gate: world.gate, ...parameters } });

test('a person signs in with a token; it stands in no address and in no storage', async () => {
  const page = await world.page();
  await page.goto(`${world.url}/messages?status=done`);
  await page.getByLabel('Token').fill('coax_wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This token is not known here.').waitFor();
  await page.getByLabel('Token').fill(world.token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Messages' }).waitFor();
  assert.equal(page.url(), `${world.url}/messages?status=done`, 'back where the person wanted to be');
  const kept = await page.evaluate(
    'JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])',
  );
  assert.ok(!String(kept).includes(world.token));
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);
  assert.notEqual(cookie?.value, world.token);
  await page.reload();
  await page.getByRole('heading', { name: 'Messages' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  await page.reload();
  await page.getByLabel('Token').waitFor();
  await page.context().close();
});

test('who may only look is told why nothing else can be done', async () => {
  const { msgid } = await road({ hold: 0 });
  const { token } = await world
    .client()
    .access.createToken({ name: 'looker', role: 'viewer', project: 'default' });
  const page = await world.signedIn(`/messages/${msgid}`, {}, token);
  const cancel = page.getByRole('button', { name: 'Cancel' });
  await cancel.waitFor();
  // What one may do is read by a request of its own.
  await matches(() => cancel.getAttribute('aria-description'), /project default, not decide/);
  assert.equal(await cancel.getAttribute('aria-disabled'), 'true');
  // It is in reach of the keyboard, so that the reason can be read, and does nothing.
  await cancel.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByText('Needs a person').waitFor();
  assert.equal(
    await page.getByRole('listbox', { name: 'Hosts' }).count(),
    0,
    'hosts are of the installation',
  );
  await world.client().cancel(msgid, { reason: 'enough' });
  await world.client().access.revokeToken('looker');
  // The stream of events ends with what let it in.
  await page.getByText('Your session has ended.').waitFor();
  await page.context().close();
});

test('a form is made from the schema, finds faults at its fields, and submits', async () => {
  const page = await world.signedIn('/create');
  await page.getByLabel('Find a flow').fill('road');
  await page.getByRole('link', { name: 'build_road' }).click();
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByText('This is required.').waitFor();
  await becomes(
    () => page.getByLabel('town').evaluate(field => field === field.ownerDocument.activeElement),
    true,
  );
  await page.getByLabel('town').fill('ayr');
  await page.getByText('It must match ^[A-Z]').waitFor();
  await page.getByLabel('town').fill("St John's");
  await page.getByLabel('lanes').fill('7');
  await page.getByText('At most 6.').waitFor();
  await page.getByLabel('lanes').fill('3');
  await page.getByLabel('surface').selectOption('stone');
  await page.getByLabel('lit').selectOption('no');
  await becomes(
    () => page.locator('footer code').innerText(),
    `coax run build_road 'town=St John'\\''s' lanes=3 surface=stone lit=false --wait`,
  );
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.waitForURL(/\/messages\/\d+$/);
  const msgid = Number(page.url().split('/').at(-1));
  const { parameters } = await world.client().message(msgid);
  assert.deepEqual(
    [parameters.town, parameters.lanes, parameters.surface, parameters.lit],
    ["St John's", 3, 'stone', false],
  );
  await page.context().close();
});

test('a secret is typed unseen, stands in no command, and is shown nowhere afterwards', async () => {
  const page = await world.signedIn('/create/lock_gate');
  const field = page.getByLabel('code');
  assert.equal(await field.getAttribute('type'), 'password');
  await field.fill('opensesame');
  await becomes(() => page.locator('footer code').innerText(), 'coax run lock_gate code=@FILE --wait');
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.waitForURL(/\/messages\/\d+$/);
  await page.getByRole('tab', { name: 'Parameters' }).click();
  await page.getByRole('row', { name: /^code/ }).getByText('••••••').waitFor();
  for (const tab of ['Ledger', 'Timeline', 'JSON']) {
    await page.getByRole('tab', { name: tab }).click();
    assert.doesNotMatch(await page.locator('html').innerText(), /opensesame/);
  }
  await page.context().close();
});

test('a secret within a larger parameter is typed unseen, and stands in no command', async () => {
  const page = await world.signedIn('/create/lock_vault');
  const field = page.getByLabel('vault');
  const security = `getComputedStyle(document.querySelector('textarea')).getPropertyValue('-webkit-text-security')`;
  assert.equal(await page.evaluate(security), 'disc');
  await field.fill('{"place": "cellar", "code": "opensesame"}');
  await becomes(() => page.locator('footer code').innerText(), 'coax run lock_vault vault=@FILE --wait');
  await page.context().close();
});

test('who may only look is told so at a host and at a VM, too', async () => {
  const made = { flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: 'seen' } };
  await world.client().submit(made, { waitMs: 20_000 });
  const { access } = world.client();
  const { token } = await access.createToken({ name: 'guard', role: 'viewer', project: '*' });
  const page = await world.signedIn('/vms/seen', {}, token);
  const stop = page.getByRole('button', { name: 'Stop', exact: true });
  await stop.waitFor();
  await page.getByText('It is simulated: no guest runs').waitFor();
  await matches(() => stop.getAttribute('aria-description'), /project default, not decide/);
  await page.goto(`${world.url}/hosts/sim-2`);
  const drain = page.getByRole('button', { name: 'Drain', exact: true });
  await drain.waitFor();
  await matches(() => drain.getAttribute('aria-description'), /hosts, not decide/);
  await page.context().close();
  await access.revokeToken('guard');
});

test('what only the server can know is wrong stands at the field, too', async () => {
  const page = await world.signedIn('/create/create_vm');
  await page.getByLabel('cpu').fill('1');
  await page.getByLabel('mem').fill('128');
  await page.getByLabel('labels').fill('[1]');
  await page.getByRole('button', { name: 'Submit' }).click();
  const field = page.getByLabel('labels');
  await page.locator('[aria-invalid=true]').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  const described = String(await field.getAttribute('aria-describedby'))
    .split(' ')
    .at(-1)!;
  assert.match(await page.locator(`[id="${described}"]`).innerText(), /must be an object/);
  world.complaints.splice(0);
  await page.context().close();
});

test('filters live in the address; the list is live, and holds still while somebody reads', async () => {
  const { msgid } = await road({ hold: 0 });
  const page = await world.signedIn('/messages');
  const row = page
    .getByRole('row')
    .filter({ has: page.getByRole('link', { name: String(msgid), exact: true }) });
  await row.getByText('running').waitFor();
  await page.getByRole('button', { name: /^running/ }).click();
  await page.waitForURL(/\?status=running$/);
  await matches(() => page.locator('footer code').innerText(), /^coax ls --status running/);
  await page.getByRole('combobox', { name: 'Flow' }).selectOption('build_road');
  await page.waitForURL(/flow=build_road/);
  await row.waitFor();
  await page.getByLabel('Labels').fill('team=north');
  await page.keyboard.press('Enter');
  await page.waitForURL(/selector=team%3Dnorth/);
  await page.getByText('No message fits these filters').waitFor();
  await matches(() => page.locator('footer code').innerText(), /--selector team=north/);
  await page.getByLabel('Labels').fill('team!=north');
  await page.keyboard.press('Enter');
  await row.waitFor();
  // What no longer fits goes by itself.
  await world.client().cancel(msgid, { reason: 'enough' });
  await row.waitFor({ state: 'detached' });
  await page.getByText('No message fits these filters').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await row.waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const next = await road();
  await page.getByText('1 new above').waitFor();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('link', { name: String(next.msgid), exact: true }).waitFor();
  await page.context().close();
});

test('a list of thousands has a bounded page, and is walked by the keyboard', async () => {
  // Nobody serves that module, so they stay as they are.
  const waiting = { name: 'wait', plan: { steps: [{ module: 'nobody', action: 'work' }] } };
  await world.client().submitMany(Array.from({ length: 3000 }, () => waiting));
  const page = await world.signedIn('/messages');
  const rows = page.locator('[role=row][data-index]');
  await rows.nth(10).waitFor();
  await page.locator('[data-index="0"] a').focus();
  for (let press = 0; press < 3; press++) {
    await page.keyboard.press('End');
    await page.locator('[data-index]:not([data-index="0"]) a:focus').waitFor();
  }
  // No key is lost, however long a row takes to be drawn.
  await page.keyboard.press('End');
  // Pages are read as the end comes near.
  await page.locator('[data-index]').filter({ hasText: 'nobody work' }).last().waitFor();
  await page.keyboard.press('Home');
  await page.locator('[data-index="0"] a:focus').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.locator('[data-index="1"] a:focus').waitFor();
  assert.ok((await rows.count()) < 80, `${await rows.count()} rows are in the document`);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/messages\/\d+$/);
  await page.context().close();
});

test('the overview counts, names what needs a person, and shows the hosts', async () => {
  const { msgid } = await road({ fail: 1, stick: 0 });
  const page = await world.signedIn('/', { viewport: NARROW });
  const parked = page.locator(`[data-brief="${msgid}"]`);
  await parked.waitFor();
  await matches(() => parked.innerText(), /the roller stands on the road/);
  await becomes(() => page.locator('[data-count=parked]').innerText(), '1');
  await page.getByRole('application', { name: 'Map of 4 hosts' }).focus();
  await page.keyboard.press('End');
  await page.locator('[data-heat]', { hasText: 'sim-4: up' }).waitFor();
  await world.client().resolve(msgid, { how: 'skip', reason: 'let it stand' });
  await page.getByText('Nothing waits for a person.').waitFor();
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), NARROW.width);
  await page.context().close();
});

test('language and colours are kept for the next visit', async () => {
  const page = await world.signedIn('/');
  await page.getByLabel('Language').selectOption('zh');
  await page.getByRole('heading', { name: '概览' }).waitFor();
  await becomes(() => page.locator('html').getAttribute('lang'), 'zh-CN');
  await page.getByLabel('配色').selectOption('dark');
  await page.reload();
  await page.locator('html[data-theme=dark][lang=zh-CN]').waitFor({ state: 'attached' });
  await page.context().close();
});

test('a page whose stream is lost says so, and is true again when it is back', async () => {
  const page = await world.signedIn('/messages');
  await page.getByRole('link').filter({ hasText: /^\d+$/ }).first().waitFor();
  await world.stop();
  await page.locator('[data-stale]').waitFor();
  await world.startAgain();
  const { msgid } = await road();
  await page.locator('[data-stale]').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: String(msgid), exact: true }).waitFor();
  await page.context().close();
});
