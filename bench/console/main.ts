// The console under load, in Debian's Chromium against a server in a process of its own: how long its frames are while
// thousands of messages a minute pass over the screen, and while a list of a hundred thousand rows is scrolled.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { type Client, makeClient } from '../../src/client/client.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { command, measureAll } from '../command.ts';
import { writePage } from '../report/write-page.ts';
import { plainRow, quantile, type Row } from '../row.ts';

const ROOT = join(import.meta.dirname, '../..');
const BENCH = {
  name: 'bench:console',
  measures: ['messages', 'overview', 'list', 'script'],
  more: {
    seconds: { value: 'S', help: 'so long messages pass over the screen; 30 if absent' },
    rate: { value: 'N', help: 'so many a minute; 5000 if absent' },
    rows: { value: 'N', help: 'rows of the long list; 100000 if absent' },
  },
} as const;
type Measure = (typeof BENCH.measures)[number];
/** A frame that takes longer is felt. */
const FRAME_MS = 100;
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
async function feed(client: Client, seconds: number, perMinute: number): Promise<number> {
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

/** What is told of frames: how long they are, and how many are felt. */
function rowsOf(what: string, frames: readonly number[]): Row[] {
  const long = frames.filter(ms => ms > FRAME_MS).length;
  return [
    plainRow(`${what}: frames, p50`, quantile(frames, 0.5), 'ms'),
    plainRow(`${what}: frames, p99`, quantile(frames, 0.99), 'ms', `value < ${FRAME_MS}`),
    plainRow(
      `${what}: frames, the longest of ${frames.length}`,
      Math.max(...frames),
      'ms',
      `value < ${FRAME_MS}`,
    ),
    plainRow(`${what}: frames over ${FRAME_MS} ms`, long, 'frames', 'value <= 0'),
  ];
}

async function signIn(page: Page, url: string, token: string, path: string): Promise<void> {
  await page.goto(url + path);
  await page.locator('input[type=password]').fill(token);
  await page.keyboard.press('Enter');
  await page.locator('[data-live=live]').first().waitFor({ state: 'attached' });
}

/** Reads and scrolls until so many rows are in the list. */
async function scrollThrough(page: Page, rowsWanted: number): Promise<void> {
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
  if ((await count()) < rowsWanted) throw new Error(`only ${await count()} rows were read`);
}

/** From the end to the start, a screen a step. */
async function scrollBack(page: Page): Promise<void> {
  const table = page.getByRole('table');
  for (let step = 100; step >= 0; step--) {
    await table.evaluate((element, part) => element.scrollTo(0, element.scrollHeight * part), step / 100);
    await sleep(30);
  }
}

interface World {
  readonly page: Page;
  readonly url: string;
  readonly token: string;
  readonly client: Client;
}

/** A server and a browser of their own. */
async function inWorld(work: (world: World) => Promise<Row[]>): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-console-'));
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const up = ['up', '--detach', '--simulate', '--listen', '127.0.0.1:0'];
  try {
    await coax(dir, ...up, '--modules', join(import.meta.dirname, 'modules'));
    const { url } = JSON.parse(readFileSync(join(dir, 'data/server.json'), 'utf8')) as { url: string };
    const token = readFileSync(join(dir, 'data/token'), 'utf8').trim();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    return await work({ page, url, token, client: makeClient({ url, token }) });
  } finally {
    await browser.close();
    await coax(dir, 'down').catch(() => {});
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Messages pass over a screen while it is looked at. */
const passing = (path: string, screen: string, seconds: number, perMinute: number): Promise<Row[]> =>
  inWorld(async ({ page, url, token, client }) => {
    await signIn(page, url, token, path);
    await client.submitMany([PLAN]);
    await sleep(1000);
    let sent = 0;
    const frames = await framesWhile(page, async () => {
      sent = await feed(client, seconds, perMinute);
    });
    const rate = Math.round((sent / seconds) * 60).toLocaleString('en-US');
    return rowsOf(`${screen}, ${rate} messages a minute for ${seconds} s`, frames);
  });

const longList = (rows: number): Promise<Row[]> =>
  inWorld(async ({ page, url, token, client }) => {
    const waiting = { name: 'wait', plan: { steps: [{ module: 'nobody', action: 'work' }] } };
    for (let made = 0; made < rows; made += MANY)
      await client.submitMany(Array.from({ length: Math.min(MANY, rows - made) }, () => waiting));
    await signIn(page, url, token, '/messages?status=queued');
    await page.getByRole('table').waitFor();
    const reading = await framesWhile(page, () => scrollThrough(page, rows));
    const drawn = await page.locator('[role=row]').count();
    const back = await framesWhile(page, () => scrollBack(page));
    const many = rows.toLocaleString('en-US');
    return [
      ...rowsOf(`list of ${many}, read to its end`, reading),
      ...rowsOf(`list of ${many}, scrolled back`, back),
      plainRow(`list of ${many}: rows in the document`, drawn, 'rows'),
    ];
  });

/** What the browser loads for its first screen, compressed as the server sends it. */
const firstLoad = (): Promise<Row[]> =>
  inWorld(async ({ page, url, token }) => {
    const loaded: Promise<number>[] = [];
    page.on('response', answer => {
      if (/\.js$/.test(new URL(answer.url()).pathname))
        loaded.push(answer.body().then(body => gzipSync(body).length));
    });
    await signIn(page, url, token, '/');
    await page.locator('main h1').waitFor();
    const bytes = (await Promise.all(loaded)).reduce((sum, one) => sum + one, 0);
    return [plainRow('script of the first load, gzip', bytes / 1000, 'kB', 'value < 250')];
  });

process.exitCode = await command(BENCH, given => {
  const number = (text: string | undefined, usual: number): number => Number(text ?? usual);
  const seconds = number(given.more.seconds, given.quick ? 3 : 30);
  const rate = number(given.more.rate, 5000);
  const rows = number(given.more.rows, given.quick ? 2000 : 100_000);
  const measure: Record<Measure, () => Promise<Row[]>> = {
    messages: () => passing('/messages', 'list of messages', seconds, rate),
    overview: () => passing('/', 'overview', seconds, rate),
    list: () => longList(rows),
    script: firstLoad,
  };
  return measureAll(
    BENCH,
    given,
    name => measure[name](),
    (written, where, day) => writePage(written, where, day, BENCH.name),
  );
});
