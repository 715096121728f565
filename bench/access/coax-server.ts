// What `coax up` runs, and how much memory it takes. Called with its role, and with a folder of CGI scripts if it is to serve one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProcess } from '../../src/cli/compose.ts';
import { answer } from './child.ts';

/** High enough for nobody to wait; what is counted for a request is counted all the same. */
const LIMITS = { 'token-rate': 1_000_000, 'token-burst': 1_000_000, held: 100_000, connections: 100_000 };

const [role, cgiDir] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'coax-access-'));
const running = await openProcess({
  role: role === 'all' ? 'all' : 'server',
  dataDir: dir,
  storeUrl: null,
  listen: '127.0.0.1:0',
  simulate: true,
  modulesDirs: [join(import.meta.dirname, '../console/modules')],
  flowsDirs: [],
  ...(cgiDir !== undefined && { cgiDir }),
  limits: LIMITS,
  log: line => console.error(line),
});
const token = readFileSync(join(dir, 'token'), 'utf8').trim();

process.on('disconnect', () => {
  void running.close(0).then(() => {
    rmSync(dir, { recursive: true });
    process.exit(0);
  });
});

export interface Memory {
  /** Bytes that the system counts, and those on V8's heap after a collection. */
  readonly resident: number;
  readonly heap: number;
}

answer(async (question: 'where' | 'memory') => {
  if (question === 'where') return { url: running.url, token };
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss, heap: heapUsed } satisfies Memory;
});
