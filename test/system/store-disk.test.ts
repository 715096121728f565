import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { openSqlite, openSqliteScan } from '../../src/store/sqlite/open-sqlite.ts';
import { inFolder, submission, untilDone, workOn } from './store-fixture.ts';

const skip = process.getuid?.() === 0 ? false : 'mounting a small disk needs root';

/** Runs `test` with a disk of its own. */
async function onDisk(size: string, test: (dir: string) => Promise<void>): Promise<void> {
  await inFolder(async dir => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'coax-test', dir]);
    try {
      await test(dir);
    } finally {
      execFileSync('umount', ['-l', dir]);
    }
  });
}

it('a full disk refuses new messages, loses none, and work goes on when there is room again', { skip }, () =>
  onDisk('40m', async dir => {
    const ballast = join(dir, 'ballast');
    writeFileSync(ballast, Buffer.alloc(20 << 20));
    const store = openSqlite({ file: join(dir, 'coax.db') });
    const work = workOn(store);
    const accepted: number[] = [];
    try {
      await assert.rejects(
        async () => {
          for (let n = 0; ; n += 50) {
            const batch = Array.from({ length: 50 }, (_, index) => submission(n + index));
            accepted.push(...(await store.submit(batch)).map(({ msgid }) => msgid));
          }
        },
        error => isCoaxError(error, 'COAX_STORE_UNAVAILABLE') && error.reason === 'the disk is full',
      );
      assert.ok(accepted.length > 0);
      for (const msgid of accepted) assert.ok((await store.message(msgid)) !== null);
      rmSync(ballast);
      await untilDone(store, accepted.length);
      const [more] = await store.submit([submission(1)]);
      assert.ok(more?.created);
      await untilDone(store, accepted.length + 1);
      const report = await fsckStore(store.scan());
      assert.deepEqual(report.faults, []);
      assert.equal(report.messages, accepted.length + 1);
    } finally {
      await work.close();
      await store.close();
    }
  }),
);

it('a store closes on a full disk, and opens again with everything once there is room', { skip }, () =>
  onDisk('6m', async dir => {
    const file = join(dir, 'coax.db');
    const store = openSqlite({ file });
    let accepted = 0;
    await assert.rejects(async () => {
      for (; ; accepted += 50) await store.submit(Array.from({ length: 50 }, (_, n) => submission(n)));
    });
    await store.close();
    execFileSync('mount', ['-o', 'remount,size=30m', dir]);
    const again = openSqlite({ file });
    try {
      assert.equal((await again.counts()).queued, accepted);
      assert.deepEqual((await fsckStore(again.scan())).faults, []);
    } finally {
      await again.close();
    }
  }),
);

it('a disk that turns read-only is said to be so, and nothing is lost', { skip }, () =>
  onDisk('20m', async dir => {
    const file = join(dir, 'coax.db');
    const store = openSqlite({ file });
    const [accepted] = await store.submit([submission(1)]);
    await store.close();
    execFileSync('mount', ['-o', 'remount,ro', dir]);
    assert.throws(
      () => openSqlite({ file }),
      error => isCoaxError(error, 'COAX_STORE_UNAVAILABLE') && /read-only|opened/.test(error.reason),
    );
    execFileSync('mount', ['-o', 'remount,rw', dir]);
    const again = openSqlite({ file });
    try {
      assert.ok((await again.message(accepted?.msgid ?? 0)) !== null);
    } finally {
      await again.close();
    }
  }),
);

it('a file that is no database is refused, and left as it is', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const text = 'this was never a database\n'.repeat(200);
    writeFileSync(file, text);
    assert.throws(
      () => openSqlite({ file }),
      error => isCoaxError(error, 'COAX_STORE_CORRUPT') && error.where === file,
    );
    assert.equal(readFileSync(file, 'utf8'), text);
  }));

it('damage inside the database is found by fsck', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const store = openSqlite({ file });
    await store.submit(Array.from({ length: 500 }, (_, n) => submission(n)));
    await store.close();
    const whole = openSqliteScan(file);
    assert.equal((await fsckStore(whole)).ok, true);
    whole.close();
    const { size } = statSync(file);
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, Math.floor(size / 2 / 4096) * 4096);
    closeSync(handle);
    const scan = openSqliteScan(file);
    try {
      const report = await fsckStore(scan);
      assert.equal(report.ok, false);
      assert.ok(report.faults.length > 0);
    } finally {
      scan.close();
    }
  }));

it('one data directory serves one process, and is free at once when that is killed', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const source = new URL('../../src/store/sqlite/open-sqlite.ts', import.meta.url).href;
    const code = `import { openSqlite } from ${JSON.stringify(source)};
      globalThis.held = openSqlite({ file: ${JSON.stringify(file)} }); console.log('open'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise(resolve => holder.once('close', resolve));
    try {
      await new Promise(resolve => holder.stdout.once('data', resolve));
      assert.throws(
        () => openSqlite({ file }),
        error => isCoaxError(error, 'COAX_STORE_LOCKED'),
      );
    } finally {
      holder.kill('SIGKILL');
      await ended;
    }
    await openSqlite({ file }).close();
  }));

it('a database of a newer Coax is refused', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const newer = { id: '9999-from-the-future', sql: ['CREATE TABLE future (a INTEGER)'] };
    await openSqlite({ file, schema: [newer] }).close();
    assert.throws(
      () => openSqlite({ file }),
      error => isCoaxError(error, 'COAX_STORE_NEWER'),
    );
    await openSqlite({ file, schema: [newer] }).close();
  }));

it('a migration that fails leaves the database as it was', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const store = openSqlite({ file });
    const [accepted] = await store.submit([submission(1)]);
    await store.close();
    const broken = {
      id: '9998-broken',
      sql: ['CREATE TABLE half (a INTEGER)', 'CREATE TABLE half (a INTEGER)'],
    };
    assert.throws(() => openSqlite({ file, schema: [broken] }));
    const mended = { id: '9998-broken', sql: ['CREATE TABLE half (a INTEGER)'] };
    const again = openSqlite({ file, schema: [mended] });
    try {
      assert.ok((await again.message(accepted?.msgid ?? 0)) !== null);
    } finally {
      await again.close();
    }
  }));
