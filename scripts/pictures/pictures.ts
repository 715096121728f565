// Takes the pictures of docs/images from a real server with real messages. To be looked at, whenever a screen changes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Parameters } from '../../src/message/message.ts';
import { ConsoleWorld, NARROW, WIDE } from '../../test/console/console-fixture.ts';

const IMAGES = join(import.meta.dirname, '../../docs/images');

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly look: BrowserContextOptions;
  readonly act?: (page: Page) => Promise<void>;
}

/** Messages in every state that a screen can show; their msgids by name. */
async function fill(world: ConsoleWorld): Promise<Readonly<Record<string, number>>> {
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
  for (let vm = 0; vm < 12; vm++)
    await submit('create_vm', { cpu: 1 + (vm % 4) * 4, mem: 4096, name: `web-${vm}` });
  await submit('create_vm', { cpu: 1, mem: 128, name: 'lost', labels: { zone: 'nowhere' } });
  await sleep(4000);
  return made;
}

function picturesOf(of: Readonly<Record<string, number>>): Picture[] {
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
  ];
}

const world = await new ConsoleWorld().open();
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
}
