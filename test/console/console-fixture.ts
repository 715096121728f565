import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { openProcess, type RunningProcess } from '../../src/cli/compose.ts';
import { type Client, makeClient } from '../../src/client/client.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { ownNetwork } from './own-network.ts';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
export const CHROMIUM = '/usr/bin/chromium';

/** Sizes that the console is made for. */
export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 390, height: 844 };

/** A real server with the built console, and a real browser. */
export class ConsoleWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'coax-console-'));
  readonly #simulate: boolean;
  #server: RunningProcess | null = null;
  #browser: Browser | null = null;
  /** What pages complained of: faults of scripts, what the policy refused, requests that failed. */
  readonly complaints: string[] = [];

  /** `simulate`: false where real guests run. */
  constructor(simulate = true) {
    this.#simulate = simulate;
  }

  async open(): Promise<this> {
    const built = await exec('sh', [join(ROOT, 'scripts/build.sh'), '--stale'], { timeoutMs: 120_000 });
    if (built.code !== 0) throw new Error(`the console could not be built: ${built.stderr}`);
    await ownNetwork();
    this.#server = await this.serve('127.0.0.1:0');
    this.#browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    return this;
  }

  serve(listen: string): Promise<RunningProcess> {
    return openProcess({
      role: 'all',
      dataDir: join(this.dir, 'data'),
      storeUrl: null,
      listen,
      simulate: this.#simulate,
      modulesDirs: [join(HERE, 'modules')],
      flowsDirs: [join(HERE, 'flows')],
      // Receivers of tests are here.
      webhookAllow: ['127.0.0.1'],
      log: () => {},
    });
  }

  /** Stops the server, and starts it again at the same address. */
  async stop(): Promise<void> {
    await this.#server!.close();
  }

  async startAgain(): Promise<void> {
    const listen = new URL(this.url).host;
    this.#server = await this.serve(listen);
  }

  get url(): string {
    return this.#server!.url!;
  }

  get token(): string {
    return readFileSync(join(this.dir, 'data/token'), 'utf8').trim();
  }

  client(): Client {
    return makeClient({ url: this.url, token: this.token });
  }

  /** A browser of its own, as another person has; nobody is signed in. */
  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser!.newContext({ viewport: WIDE, locale: 'en-GB', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', error => this.complaints.push(`${page.url()}: ${error.message}`));
    page.on('console', message => {
      if (message.type() !== 'error' || isExpected(message.text())) return;
      this.complaints.push(`${page.url()}: ${message.text()} ${message.location().url}`);
    });
    return page;
  }

  /** A page at an address, with a person signed in as a person does it. */
  async signedIn(path: string, options: BrowserContextOptions = {}, token = this.token): Promise<Page> {
    const page = await this.page(options);
    await page.goto(this.url + path);
    await page.locator('input[type=password]').fill(token);
    await page.keyboard.press('Enter');
    await page.locator('main h1').waitFor();
    await page.locator('[data-live=live]').first().waitFor({ state: 'attached' });
    return page;
  }

  /** A file that steps wait for. */
  readonly gate = join(this.dir, 'gate');

  browserPages() {
    return this.#browser!.contexts().flatMap(c => c.pages());
  }

  openGate(): void {
    writeFileSync(this.gate, '');
  }

  mend(): void {
    writeFileSync(`${this.gate}.mended`, '');
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.#server?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** That nobody is signed in yet is how a session begins; a server that is stopped on purpose does not answer. */
function isExpected(text: string): boolean {
  return /401|ERR_CONNECTION|Failed to fetch|ERR_INCOMPLETE/.test(text);
}

/** The page has nothing that WCAG 2.2 AA forbids, as far as axe sees. */
export async function axe(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page: page as never })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join('\n')}`),
    [],
  );
}

/** Protection against a test that hangs, not a measure. */
const PATIENCE_MS = 180_000;
const LOOK_MS = 25;

/**
 * Reads until it is what it should be: what a page draws, it draws some time after what was done. Playwright's own waitForFunction
 * asks by `eval`, which the policy of the console forbids. What cannot be read yet, as while a page loads, is read again.
 */
export async function becomes<T>(read: () => Promise<T>, expected: T, message?: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(LOOK_MS)) {
    try {
      assert.deepEqual(await read(), expected);
      return;
    } catch {}
  }
  assert.deepEqual(await read(), expected, message);
}

/** The same of a text. */
export async function matches(read: () => Promise<string | null>, pattern: RegExp): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(LOOK_MS)) {
    try {
      if (pattern.test(String(await read()))) return;
    } catch {}
  }
  assert.match(String(await read()), pattern);
}

/** A picture of the page in the folder of COAX_SCREENSHOTS; none without it. */
export async function shot(page: Page, name: string): Promise<void> {
  const dir = process.env.COAX_SCREENSHOTS;
  if (dir) await page.screenshot({ path: `${dir}/${name}.png` });
}
