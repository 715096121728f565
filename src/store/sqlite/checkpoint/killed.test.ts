import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fsckStore } from '../../fsck.ts';
import { openSqlite } from '../open-sqlite.ts';

/** Accepts messages of some 20 KiB in hundreds, so that the log is long again and again, and tells how many are accepted. */
const WRITER = `
const { openSqlite } = await import(process.argv[1]);
const { planOfSteps } = await import(process.argv[2]);
const store = openSqlite({ file: process.argv[3] });
const submission = { flow: 'f', plan: planOfSteps('net take'), parameters: { text: 'x'.repeat(20_000) }, actor: 'test' };
for (let count = 100; ; count += 100) {
  await store.submit(Array.from({ length: 100 }, () => submission));
  process.stdout.write(count + '\\n');
}`;

const OPEN = new URL('../open-sqlite.ts', import.meta.url).href;
const FIXTURE = new URL('../../../testing/store-conformance/fixture.ts', import.meta.url).href;

/** The writer until it has told of so many messages, or of a few more, then SIGKILL. How many it told of. */
async function killedAfter(file: string, wanted: number): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, OPEN, FIXTURE, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = 0;
  const exit = once(child, 'exit');
  const lines = createInterface(child.stdout);
  lines.on('line', line => {
    told = Number(line);
    if (told >= wanted) child.kill('SIGKILL');
  });
  await Promise.all([exit, once(lines, 'close')]);
  return told;
}

test('a process that is killed while its log is copied loses nothing', { timeout: 300_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-killed-'));
  try {
    const file = join(dir, 'coax.db');
    let before = 0;
    // A hundred messages are about 1,000 pages: the log is long after four hundred, and each four hundred later.
    for (const wanted of [900, 1500, 2100]) {
      const told = await killedAfter(file, wanted);
      assert.ok(told >= wanted);
      const store = openSqlite({ file });
      try {
        const { faults, messages } = await fsckStore(store.scan());
        assert.deepEqual(faults, []);
        assert.ok(messages - before >= told, `${told} were accepted, ${messages - before} are there`);
        before = messages;
      } finally {
        await store.close();
      }
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
