/** The map of the fleet and the list of hosts, at a hundred thousand hosts, as a person uses them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { axe, becomes, ConsoleWorld, matches, NARROW, shot } from './console-fixture.ts';

const HOSTS = 100_000;
const VMS = 100_000;
const world = new ConsoleWorld();

before(() => world.open());

after(async () => {
  await world.close();
  assert.deepEqual(world.complaints, []);
});

/** Hosts in ten zones, made of one that is there; some are down, and each is as full as its number says. */
function addHosts(): void {
  const db = new DatabaseSync(join(world.dir, 'data/coax.db'), { timeout: 20_000 });
  const columns = (db.prepare('PRAGMA table_info(hosts)').all() as { name: string }[]).map(
    ({ name }) => name,
  );
  const values = columns.map(
    name =>
      ({
        name: `'h' || printf('%06d', n)`,
        zone: `'zone-' || (n % 10)`,
        rack: `'r' || (n % 400)`,
        labels: `CASE WHEN n % 1000 = 5 THEN '{"disk":"ssd"}' ELSE '{}' END`,
        state: `CASE WHEN n % 1000 = 7 THEN 'down' ELSE 'up' END`,
        reason: `CASE WHEN n % 1000 = 7 THEN 'not heard of' ELSE '' END`,
        cpu_used: '(n / 10) % (cpu_total + 1)',
        mem_used_mib: '(n * 7) % mem_total_mib',
      })[name] ?? `hosts.${name}`,
  );
  db.exec(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${HOSTS})
    INSERT INTO hosts (${columns.join(', ')}) SELECT ${values.join(', ')} FROM numbers, hosts WHERE hosts.name = 'sim-1'`);
  db.close();
}

/** VMs on record; every thousandth has a label. Of the messages that made them nothing is there but their labels. */
function addVms(): void {
  const db = new DatabaseSync(join(world.dir, 'data/coax.db'), { timeout: 20_000 });
  db.exec(`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${VMS})
    INSERT INTO allocations (kind, key, msgid, detail, created)
    SELECT 'vm', 'v' || printf('%06d', n), 1000000 + n,
      json_object('state', 'running', 'host', 'far-' || (n % 50), 'ip', '10.9.0.' || (n % 250), 'cpu', 1, 'mem', 128), 1
    FROM numbers`);
  db.exec(`INSERT INTO message_labels (msgid, name, value)
    SELECT msgid, 'tier', 'web' FROM allocations WHERE kind = 'vm' AND msgid % 1000 = 3`);
  db.close();
}

test('a host is found, and drained with a reason after a look ahead', async () => {
  const page = await world.signedIn('/hosts');
  await page.getByText('4 shown').waitFor();
  await page.getByRole('searchbox').fill('sim-2');
  await page.getByText('1 shown').waitFor();
  await page.waitForURL(/find=sim-2/);
  await page.getByRole('link', { name: 'sim-2' }).click();
  await page.getByText('Nothing is on it').waitFor();
  await page.getByRole('button', { name: 'Drain', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await matches(() => dialog.innerText(), /0 VMs would move; 3 other hosts are up/);
  assert.equal(
    await dialog.getByRole('button', { name: 'Drain' }).isDisabled(),
    true,
    'a reason is asked for',
  );
  await dialog.getByLabel('Reason').fill('new memory');
  await becomes(() => dialog.locator('code').innerText(), `coax host drain sim-2 --reason 'new memory'`);
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await page.getByText('draining', { exact: true }).waitFor();
  await page.getByRole('link', { name: /drain_host, message/ }).waitFor();
  await page.getByText('new memory').waitFor();
  await shot(page, 'host');
  await axe(page);
  await page.getByRole('button', { name: 'Declare lost' }).click();
  await dialog.getByLabel('Reason').fill('on fire');
  const lose = dialog.getByRole('button', { name: 'Declare lost' });
  assert.equal(await lose.isDisabled(), true, 'that it is fenced must be said');
  await dialog.getByLabel(/Nothing runs on sim-2 any more/).check();
  await lose.click();
  await page.getByText('lost', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Hosts' }).click();
  await page.getByText('4 shown').waitFor();
  await page.getByRole('row', { name: /sim-2.*lost.*on fire/ }).waitFor();
  await shot(page, 'hosts-reasons');
  await page.context().close();
});

test('the map shows every host; the arrows and Enter open one; its colours are states too', async () => {
  addHosts();
  const page = await world.signedIn('/');
  const map = page.getByRole('application', { name: 'Map of 100004 hosts' });
  await map.waitFor();
  await map.focus();
  await page.locator('[data-heat]', { hasText: 'sim-1: up' }).waitFor();
  await shot(page, 'overview');
  await axe(page);
  await page.keyboard.press('End');
  await page.locator('[data-heat]', { hasText: 'h099999: up, CPUs' }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.getByLabel('Colour by').selectOption('state');
  await page.getByLabel('Group by').selectOption('rack');
  await page.locator('summary').click();
  const row = page.getByRole('row', { name: /^r7 / });
  await matches(() => row.innerText(), /^r7\s+250\s+200\s+0\s+50\s+0\s/);
  await shot(page, 'overview-state');
  await map.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/hosts\/\w/);

  await page.getByRole('link', { name: 'Hosts', exact: true }).click();
  await page.getByText('100004 shown').waitFor();
  await shot(page, 'hosts');
  await axe(page);
  await page.getByLabel('State').selectOption('down');
  await page.getByText('100 shown').waitFor();
  await page.context().close();
});

test('on a telephone, in the dark and in Chinese', async () => {
  const page = await world.signedIn('/', { viewport: NARROW, locale: 'zh-CN', colorScheme: 'dark' });
  await page.getByRole('application').waitFor();
  await shot(page, 'overview-narrow-zh');
  await axe(page);
  await page.getByRole('link', { name: '主机', exact: true }).click();
  await page.getByText('显示 100004 个').waitFor();
  await shot(page, 'hosts-narrow-zh');
  await axe(page);
  await page.context().close();
});

test('a hundred thousand VMs are scrolled page by page, found by a text, and by labels', async () => {
  addVms();
  const page = await world.signedIn('/vms');
  await page.getByText('500 shown, more below').waitFor();
  const table = page.getByRole('table', { name: 'VMs' });
  for (let shown = 500; shown < 2000; shown += 500) {
    await page.getByText(`${shown} shown, more below`).waitFor();
    await table.evaluate(element => element.scrollTo({ top: element.scrollHeight }));
  }
  await page.getByRole('link', { name: 'v001490' }).waitFor();
  await page.getByRole('searchbox').fill('V0999');
  await page.getByText('100 shown').waitFor();
  await page.waitForURL(/find=V0999/);
  const labels = page.getByLabel('Labels');
  await labels.fill('tier=web');
  await labels.press('Enter');
  await page.getByText('None fits').waitFor();
  await page.getByRole('searchbox').fill('');
  await page.getByText('100 shown').waitFor();
  await page.getByRole('link', { name: 'v000003' }).waitFor();
  await matches(() => page.locator('footer code').innerText(), /coax vm ls -l tier=web/);
  await axe(page);
  await shot(page, 'vms-labels');
  await page.context().close();
});

test('of a hundred thousand hosts those with a label are listed', async () => {
  const page = await world.signedIn('/hosts?selector=disk%3Dssd');
  await page.getByText('100 shown').waitFor();
  await page.getByRole('link', { name: 'h000005' }).waitFor();
  const labels = page.getByLabel('Labels');
  await labels.fill('disk in');
  await labels.press('Enter');
  await page.getByText(/expected at character 8 of the selector/).waitFor();
  // That the request was refused is what the browser complains of.
  assert.match(world.complaints.splice(0).join(), /400 \(Bad Request\)/);
  await page.context().close();
});
