// The console under load, in Debian's Chromium against a server in a process of its own: how long its frames are while
// thousands of messages a minute pass over the screen, and while a list of a hundred thousand rows is scrolled.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { type Client, makeClient } from '../../src/client/client.ts';
import { exec } from '../../src/linux/process/exec.ts';

const ROOT = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    rate: { type: 'string', default: '5000' },
    rows: { type: 'string', default: '100000' },
  },
});
const [seconds, perMinute, rowsWanted] = [values.seconds, values.rate, values.rows].map(Number) as [
  number,
  number,
  number,
];
const NOTE = { module: 'quick', action: 'note' };
const PLAN = { name: 'quick', plan: { steps: [NOTE, NOTE, NOTE] } };
const BATCH_MS = 200;
const MANY = 10_000;

/** Lengths of frames in milliseconds, as requestAnimationFrame tells them, until `stop` is called. */
const WATCH_FRAMES = `
  window.frames_ = []; let last = performance.now();
  const tick = now => { window.frames_.push(now - last); last = now; window.going_ = requestAnimationFrame(tick); };
  window.going_ = requestAnimationFrame(tick); undefined`;
const FRAMES = '(cancelAnimationFrame(window.going_), window.frames_.slice(1))';

async function coax(dir: string, ...args: string[]): Promise<void> {
  const end = await exec(join(ROOT, 'bin/coax'), args, {
    env: { PATH: process.env.PATH ?? '', HOME: dir, COAX_DATA: join(dir, 'data') },
    timeoutMs: 60_000,
  });
  if (end.code !== 0) throw new Error(end.stderr);
}

/** Submits at a steady rate for so long; how many there were. */
async function feed(client: Client): Promise<number> {
  const began = performance.now();
  let sent = 0;
  while (performance.now() - began < seconds * 1000) {
    const due = Math.floor(((performance.now() - began) / 60_000) * perMinute);
    if (due > sent) await client.submitMany(Array.from({ length: due - sent }, () => PLAN));
    sent = Math.max(sent, due);
    await sleep(BATCH_MS);
  }
  return sent;
}

async function framesWhile(page: Page, work: () => Promise<void>): Promise<number[]> {
  await page.evaluate(WATCH_FRAMES);
  await work();
  return (await page.evaluate(FRAMES)) as number[];
}

function tell(what: string, frames: number[]): void {
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(0);
  const long = sorted.filter(ms => ms > 100).length;
  console.log(
    `${what}: ${sorted.length} frames, median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms, over 100 ms: ${long}`,
  );
}

async function signIn(page: Page, url: string, token: string, path: string): Promise<void> {
  await page.goto(url + path);
  await page.locator('input[type=password]').fill(token);
  await page.keyboard.press('Enter');
  await page.locator('[data-live=live]').first().waitFor({ state: 'attached' });
}

/** Reads and scrolls until so many rows are in the list. */
async function scrollThrough(page: Page): Promise<void> {
  const table = page.getByRole('table');
  const count = async (): Promise<number> => Number(await table.getAttribute('aria-rowcount')) - 1;
  for (let before = -1, now = await count(); now < rowsWanted && now !== before; ) {
    before = now;
    await table.evaluate(element => element.scrollTo(0, element.scrollHeight));
    for (let look = 0; look < 200 && now === before; look++) {
      await sleep(20);
      now = await count();
    }
  }
  console.log(`rows read: ${await count()}; in the document: ${await page.locator('[role=row]').count()}`);
}

/** From the end to the start, a screen a step. */
async function scrollBack(page: Page): Promise<void> {
  const table = page.getByRole('table');
  for (let step = 100; step >= 0; step--) {
    await table.evaluate((element, part) => element.scrollTo(0, element.scrollHeight * part), step / 100);
    await sleep(30);
  }
}

const dir = mkdtempSync(join(tmpdir(), 'coax-bench-console-'));
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await coax(
    dir,
    'up',
    '--detach',
    '--simulate',
    '--listen',
    '127.0.0.1:0',
    '--modules',
    join(import.meta.dirname, 'modules'),
  );
  const { url } = JSON.parse(readFileSync(join(dir, 'data/server.json'), 'utf8')) as { url: string };
  const token = readFileSync(join(dir, 'data/token'), 'utf8').trim();
  const client = makeClient({ url, token });
  for (const path of ['/messages', '/']) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await signIn(page, url, token, path);
    await client.submitMany([PLAN]);
    await sleep(1000);
    let sent = 0;
    const frames = await framesWhile(page, async () => {
      sent = await feed(client);
    });
    tell(`${path} with ${Math.round((sent / seconds) * 60)} messages a minute for ${seconds} s`, frames);
    await page.close();
  }
  const waiting = { name: 'wait', plan: { steps: [{ module: 'nobody', action: 'work' }] } };
  for (let made = 0; made < rowsWanted; made += MANY)
    await client.submitMany(Array.from({ length: MANY }, () => waiting));
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await signIn(page, url, token, '/messages?status=queued');
  await page.getByRole('table').waitFor();
  tell(`reading ${rowsWanted} rows`, await framesWhile(page, () => scrollThrough(page)));
  tell(`scrolling back over them`, await framesWhile(page, () => scrollBack(page)));
} finally {
  await browser.close();
  await coax(dir, 'down').catch(() => {});
  rmSync(dir, { recursive: true, force: true });
}
