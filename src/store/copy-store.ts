import { createHash } from 'node:crypto';
import { CoaxError } from '../errors/coax-error.ts';
import { fsckStore } from './fsck.ts';
import { type RawRow, type RawSource, type RawTable, type RawTarget, takenOver } from './raw-tables.ts';
import type { StoreScan } from './store.ts';

export interface CopyReport {
  readonly from: string;
  readonly to: string;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  /** SHA-256 over all rows in order, the same on both sides. */
  readonly digest: string;
  readonly messages: number;
  readonly commits: number;
  readonly seconds: number;
}

/** How far it is; `copy` reads and writes, `compare` reads what was written, `verify` is fsck. */
export interface CopyProgress {
  readonly phase: 'copy' | 'compare' | 'verify';
  readonly table: string;
  readonly rows: number;
}

/**
 * Copies a whole store that nobody uses into an empty one, and shows that it is the same: by a digest over all rows as they
 * are read back, and by fsck. Until that is done nobody sees any of it. The source is only read. Memory is bounded by a batch.
 *
 * Errors: COAX_STORE_NOT_EMPTY, COAX_STORE_LOCKED, COAX_STORE_NEWER, COAX_FSCK (the source is damaged), COAX_STORE_UNAVAILABLE.
 */
export async function copyStore(
  source: RawSource,
  target: RawTarget,
  onProgress: (progress: CopyProgress) => void = () => {},
): Promise<CopyReport> {
  const began = performance.now();
  const tables = await matchingTables(source, target);
  for (const table of tables) await assertEmpty(target, table);
  for (const table of tables) if (table.name in MADE_BY_MIGRATIONS) await target.clear(table);
  const copied = new Digest();
  for (const table of tables) {
    copied.begin(table);
    for await (const rows of source.rows(table)) {
      const taken = table.name === 'messages' ? rows.map(takenOver) : rows;
      await target.insert(table, taken);
      copied.add(taken);
      onProgress({ phase: 'copy', table: table.name, rows: copied.total });
    }
  }
  await target.settle(await source.counters());
  const found = new Digest();
  for (const table of tables) {
    found.begin(table);
    for await (const rows of target.rows(table)) {
      found.add(rows);
      onProgress({ phase: 'compare', table: table.name, rows: found.total });
    }
  }
  const digest = copied.end();
  if (digest !== found.end())
    throw new CoaxError('COAX_STORE_CORRUPT', 'what was written is not what was read', {
      where: target.where,
      hint: 'Nothing was kept. Copy again; if it comes back, report it.',
    });
  onProgress({ phase: 'verify', table: 'messages', rows: copied.total });
  await verify(source, target);
  await source.assertUnchanged();
  await target.finish();
  const rowsOf = (name: string): number => copied.counts.find(table => table.name === name)?.rows ?? 0;
  return {
    from: source.where,
    to: target.where,
    tables: copied.counts,
    digest,
    messages: rowsOf('messages'),
    commits: rowsOf('commits'),
    seconds: (performance.now() - began) / 1000,
  };
}

async function matchingTables(source: RawSource, target: RawTarget): Promise<readonly RawTable[]> {
  const [from, to] = [await source.migrations(), await target.migrations()];
  const missing = to.find(id => !from.includes(id));
  if (missing !== undefined)
    throw new CoaxError('COAX_STORE_OLDER', `the migration ${missing} is not done there yet`, {
      where: source.where,
    });
  const unknown = from.find(id => !to.includes(id));
  if (unknown !== undefined)
    throw new CoaxError(
      'COAX_STORE_NEWER',
      `it has the migration ${unknown}, which this Coax does not know`,
      {
        where: source.where,
      },
    );
  const tables = await source.tables();
  const targets = new Map((await target.tables()).map(table => [table.name, table]));
  for (const table of tables) {
    const columns = new Map(targets.get(table.name)?.columns.map(({ name, type }) => [name, type]));
    const same =
      columns.size === table.columns.length &&
      table.columns.every(({ name, type }) => columns.get(name) === type);
    if (!same)
      throw new CoaxError('COAX_STORE_NEWER', `the table ${table.name} is another one there`, {
        where: target.where,
      });
  }
  return tables;
}

/** Rows that a migration makes in every new store: what is there of the source takes their place. */
const MADE_BY_MIGRATIONS: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  projects: { name: 'default', created: 0, created_by: 'coax', removed: 0, labels: '{}', quota: '{}' },
};

function isMadeByMigration({ name, columns }: RawTable, row: RawRow): boolean {
  const made = MADE_BY_MIGRATIONS[name];
  return made !== undefined && columns.every((column, i) => String(row[i]) === String(made[column.name]));
}

async function assertEmpty(target: RawTarget, table: RawTable): Promise<void> {
  for await (const rows of target.rows(table)) {
    if (rows.every(row => isMadeByMigration(table, row))) continue;
    throw new CoaxError('COAX_STORE_NOT_EMPTY', `the table ${table.name} has rows there`, {
      where: target.where,
    });
  }
}

/** The source is checked by what was copied of it: damage is not carried on in silence. */
async function verify(source: RawSource, target: RawTarget): Promise<void> {
  // What the source does not know to be gone is a fault, although the target keeps a list of all that is not there.
  const scan: StoreScan = { ...target.scan(), gaps: () => source.scan().gaps() };
  const report = await fsckStore(scan, { gapsPossible: source.shared });
  if (report.ok) return;
  throw new CoaxError('COAX_FSCK', `${report.faults.length} faults came along; nothing was kept`, {
    where: source.where,
    faults: report.faults.map(({ msgid, seq, reason }) => ({
      where: msgid === undefined ? 'store' : `message ${msgid}${seq === undefined ? '' : ` commit ${seq}`}`,
      reason,
    })),
    hint: 'Look at the source with `coax fsck`.',
  });
}

/** SHA-256 over tables and their rows, and how many there were. */
class Digest {
  readonly counts: { name: string; rows: number }[] = [];
  total = 0;
  readonly #hash = createHash('sha256');

  begin(table: RawTable): void {
    this.counts.push({ name: table.name, rows: 0 });
    this.#hash.update(`${JSON.stringify([table.name, table.columns.map(({ name }) => name)])}\n`);
  }

  add(rows: readonly RawRow[]): void {
    for (const row of rows) this.#hash.update(`${JSON.stringify(row)}\n`);
    const count = this.counts.at(-1);
    if (count !== undefined) count.rows += rows.length;
    this.total += rows.length;
  }

  end(): string {
    return this.#hash.digest('hex');
  }
}
