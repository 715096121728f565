import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { commitId } from '../src/ledger/commit.ts';
import { CORE_SCHEMA } from '../src/store/sqlite/schema.ts';

const STEPS = ['resource select_host', 'network alloc_ip', 'compute create_vm', 'resource update_info'];
const SETS = ['{"host":"node-1"}', '{"ip":"10.0.0.11"}', '{"uuid":"6f1c0b9e"}', '{"state":"ready"}'];
const MODULES = ['network', 'compute', 'resource'];
const CODE = 'c'.repeat(64);

/** The database as the engine has it, on a folder of its own, with `flows` messages that a worker holds. */
function prepare(flows: number): { database: DatabaseSync; close(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'coax-floor-'));
  const database = new DatabaseSync(join(dir, 'floor.db'));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 4000`);
  for (const sql of CORE_SCHEMA.flatMap(part => part.sql)) database.exec(sql);
  const insert =
    database.prepare(`INSERT INTO messages VALUES (?, 'create_vm', ?, 'normal', 0, 0, 'open', NULL, NULL, NULL,
    NULL, 0, '{"cpu":2,"mem":4096}', '[]', NULL, 0, ?, 'resource', 0, 'bench', 9000000000000, 1, 1, NULL, NULL, NULL, NULL,
    NULL, 'bench', 0, 0, 'default', NULL, NULL)`);
  database.exec('BEGIN');
  for (let msgid = 1; msgid <= flows; msgid++) insert.run(msgid, CODE, CODE);
  database.exec('COMMIT');
  return {
    database,
    close() {
      database.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Writes one transition: the commit's row, with its hash in the chain, and the message's. */
function writer(
  database: DatabaseSync,
): (msgid: number, step: number, parent: string, trail: string) => string {
  const insert = database.prepare('INSERT INTO commits VALUES (NULL, ?, ?, ?, ?, NULL)');
  // A step that is not the last changes fewer columns; the floor takes the fastest statement for each.
  const next =
    database.prepare(`UPDATE messages SET cursor = ?, trail = ?, seq = ?, head = ?, address = ?, updated = ?
    WHERE msgid = ? AND fence = ? AND seq = ?`);
  const last = database.prepare(`UPDATE messages SET cursor = ?, trail = ?, seq = ?, head = ?, address = NULL,
    phase = 'done', lease_until = NULL, worker = NULL, updated = ? WHERE msgid = ? AND fence = ? AND seq = ?`);
  return (msgid, step, parent, trail) => {
    const now = Date.now();
    const body = `{"actor":"coax","attempt":1,"code":"${CODE}","cursor":${step},"finished":${now},"mode":"normal","msgid":${msgid},"outcome":"ok","parent":"${parent}","seq":${step + 1},"set":${SETS[step]},"started":${now},"step":"${STEPS[step]}","worker":"bench"}`;
    const id = commitId(body);
    insert.run(msgid, step + 1, id, body);
    if (step === 3) last.run(step + 1, trail, step + 1, id, now, msgid, 1, step);
    else next.run(step + 1, trail, step + 1, id, MODULES[step] as string, now, msgid, 1, step);
    return id;
  };
}

function trailAfter(step: number): string {
  return `[${SETS.slice(0, step + 1)
    .map((set, index) => `{"step":${index},"set":${set}}`)
    .join(',')}]`;
}

/**
 * The floor of this machine: a bare loop that writes the rows of `flows` four-step flows to the same engine in groups of
 * `group` transitions, and knows nothing of plans, claims or steps. Returns transitions per second.
 */
export function floorTransitionsPerSecond(flows: number, group = 128): number {
  const { database, close } = prepare(flows);
  const write = writer(database);
  const trails = [0, 1, 2, 3].map(trailAfter);
  const began = performance.now();
  for (let first = 1; first <= flows; first += group) {
    const heads = new Array<string>(group).fill(CODE);
    for (let step = 0; step < 4; step++) {
      database.exec('BEGIN IMMEDIATE');
      for (let msgid = first; msgid < Math.min(first + group, flows + 1); msgid++) {
        heads[msgid - first] = write(msgid, step, heads[msgid - first] as string, trails[step] as string);
      }
      database.exec('COMMIT');
    }
  }
  const seconds = (performance.now() - began) / 1000;
  close();
  return (flows * 4) / seconds;
}

/** Milliseconds that four durable transactions take, one transition each, one after the other; so many times. */
export function floorFourTransactionsMs(rounds: number): number[] {
  const { database, close } = prepare(rounds);
  const write = writer(database);
  const trails = [0, 1, 2, 3].map(trailAfter);
  const times: number[] = [];
  for (let msgid = 1; msgid <= rounds; msgid++) {
    const began = performance.now();
    let head = CODE;
    for (let step = 0; step < 4; step++) {
      database.exec('BEGIN IMMEDIATE');
      head = write(msgid, step, head, trails[step] as string);
      database.exec('COMMIT');
    }
    times.push(performance.now() - began);
  }
  close();
  return times;
}
