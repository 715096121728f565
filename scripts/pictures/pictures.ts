// Takes the pictures of docs/images from a real server with real messages. To be looked at, whenever a screen changes.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Parameters } from '../../src/message/message.ts';
import { ConsoleWorld, NARROW, WIDE } from '../../test/console/console-fixture.ts';
import { buildWeb, publishAll } from '../../test/package/publish-all.ts';

const IMAGES = join(import.meta.dirname, '../../docs/images');

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly look: BrowserContextOptions;
  readonly act?: (page: Page) => Promise<void>;
}

/** Where things are that are shown: msgids, and paths. */
type Filled = Readonly<Record<string, number | string>>;

/** It takes what is sent to it, and is gone for a while after that. */
let taken = 0;
const receiver = createServer((request, response) => {
  request.resume();
  taken++;
  response.writeHead(taken % 7 === 0 ? 503 : 204).end();
});

/** Messages in every state that a screen can show; their msgids by name. */
async function fill(world: ConsoleWorld): Promise<Filled> {
  const client = world.client();
  const submit = async (flow: string, parameters: Parameters): Promise<number> =>
    (await client.submit({ flow, parameters })).msgid;
  const road = (parameters: Parameters) => submit('build_road', { gate: world.gate, ...parameters });
  const made = {
    done: await road({ town: 'Ayr' }),
    back: await road({ town: 'Bath', fail: 2 }),
    parked: await road({ town: 'Cork', fail: 2, stick: 1 }),
    held: await road({ town: 'Deal', hold: 1 }),
    town: await submit('build_town', {
      roads: ['High Street', 'Mill Lane', 'Quay'],
      hold: 1,
      gate: world.gate,
    }),
  };
  await publishAll(client, world.dir, [
    await buildWeb(world.dir, '1.4.0', []),
    await buildWeb(world.dir, '1.5.0', ['sim-3']),
  ]);
  const wanted = { package: 'web', version: '1.5.0', on: 'all', waves: ['75%', '100%'], budget: '2' };
  const rollout = await submit('rollout_package', { ...wanted, pause_after: ['75%'] });
  const hook = await client.webhooks.create({
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/coax`,
    events: ['done', 'rolled_back', 'parked'],
  });
  for (let vm = 0; vm < 12; vm++)
    await submit('create_vm', { cpu: 1 + (vm % 4) * 4, mem: 4096, name: `web-${vm}` });
  await submit('create_vm', { cpu: 1, mem: 128, name: 'lost', labels: { zone: 'nowhere' } });
  await sleep(8000);
  return { ...made, rollout, webhook: `/webhooks/${hook.id}` };
}

function picturesOf(of: Filled): Picture[] {
  const dark = 'dark' as const;
  return [
    { name: 'console-overview', path: '/', look: { viewport: WIDE } },
    { name: 'console-messages-dark', path: '/messages', look: { viewport: WIDE, colorScheme: dark } },
    { name: 'console-message', path: `/messages/${of.back}`, look: { viewport: WIDE } },
    {
      name: 'console-resolve',
      path: `/messages/${of.parked}`,
      look: { viewport: WIDE },
      act: page => page.getByRole('button', { name: 'Resolve' }).click(),
    },
    {
      name: 'console-telephone-zh',
      path: `/messages/${of.parked}`,
      look: { viewport: NARROW, locale: 'zh-CN', colorScheme: dark },
    },
    { name: 'console-create', path: '/create/build_road', look: { viewport: WIDE } },
    { name: 'console-host', path: '/hosts/sim-1', look: { viewport: WIDE } },
    {
      name: 'console-vm-dark',
      path: '/vms/web-3',
      look: { viewport: WIDE, colorScheme: dark },
      act: page => page.getByRole('tab', { name: 'Why here' }).click(),
    },
    { name: 'console-webhook', path: String(of.webhook), look: { viewport: WIDE } },
    { name: 'console-rollout', path: `/rollouts/${of.rollout}`, look: { viewport: WIDE } },
  ];
}

const world = await new ConsoleWorld().open();
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');
try {
  const wanted = process.argv.slice(2);
  mkdirSync(IMAGES, { recursive: true });
  for (const { name, path, look, act } of picturesOf(await fill(world))) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const page = await world.signedIn(path, look);
    // Figures that gather while a page is open.
    if (path === '/')
      for (let vm = 0; vm < 20; vm++) {
        await world
          .client()
          .submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 1024, name: `api-${vm}` } });
        await sleep(600);
      }
    await act?.(page);
    await sleep(600);
    await page.screenshot({ path: join(IMAGES, `${name}.png`) });
    await page.context().close();
  }
} finally {
  await world.close();
  receiver.closeAllConnections();
  receiver.close();
}
