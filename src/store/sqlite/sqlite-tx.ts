import type { SQLInputValue } from 'node:sqlite';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Ask, Message, Phase } from '../../message/message.ts';
import { type ArchivedMark, type ArchiveRow, dropMessages, type MsgidRange, rangesOf } from '../archives.ts';
import { prefixNumber } from '../id-prefix.ts';
import { type AllocationRow, type MessageRow, toAllocation, toMessage } from '../rows.ts';
import type { Accepted, Allocation, AllocationQuery, NextState, StoreTx, Submission } from '../store.ts';
import type { Connection } from './connection.ts';
import type { Engine } from './engine.ts';
import { submit } from './statements/submit.ts';
import { letGo, moveMessage, settle } from './statements/write.ts';

/** The open transaction of the embedded engine. */
export class SqliteTx implements StoreTx {
  readonly #engine: Engine;
  readonly now: number;

  constructor(engine: Engine, now: number) {
    this.#engine = engine;
    this.now = now;
  }

  get db(): StoreTx['db'] {
    this.#engine.unbounded.clear();
    return this.#engine.writer.kysely;
  }

  async message(msgid: number): Promise<Message | null> {
    settle(this.#engine, msgid);
    const row = this.#engine.writer.get<MessageRow>('SELECT * FROM messages WHERE msgid = ?', msgid);
    return row === undefined ? null : toMessage(row, this.#engine.planOf);
  }

  async submit(submission: Submission): Promise<Accepted> {
    const [accepted] = submit(this.#engine, [submission], this.now);
    return accepted as Accepted;
  }

  async move(message: Message, next: NextState): Promise<Message> {
    return moveMessage(this.#engine, message, next, this.now);
  }

  async ask(msgid: number, ask: Ask): Promise<boolean> {
    letGo(this.#engine, msgid);
    const row = this.#engine.writer.get<{ worker: string; ask: string | null }>(
      'SELECT worker, ask FROM messages WHERE msgid = ? AND lease_until IS NOT NULL',
      msgid,
    );
    if (row === undefined) return false;
    if (row.ask !== null) {
      const { kind, actor } = JSON.parse(row.ask) as Ask;
      throw new CoaxError(
        'COAX_MESSAGE_STATE',
        `${actor} asked for a ${kind} already; it takes effect when the running step has ended`,
      );
    }
    this.#engine.writer.run('UPDATE messages SET ask = ? WHERE msgid = ?', JSON.stringify(ask), msgid);
    this.#engine.asked.push({ msgid, worker: row.worker });
    return true;
  }

  async children(msgid: number, generation: number): Promise<readonly Message[]> {
    for (const held of this.#engine.writer.all<{ msgid: number }>(
      `SELECT msgid FROM messages WHERE parent_msgid = ? AND parent_generation = ? AND lease_until IS NOT NULL`,
      msgid,
      generation,
    ))
      settle(this.#engine, held.msgid);
    return this.#engine.writer
      .all<MessageRow>(
        'SELECT * FROM messages WHERE parent_msgid = ? AND parent_generation = ? ORDER BY parent_branch',
        msgid,
        generation,
      )
      .map(row => toMessage(row, this.#engine.planOf));
  }

  async countChildren(msgid: number, generation: number): Promise<Readonly<Record<Phase, number>>> {
    const counts: Record<Phase, number> = { open: 0, waiting: 0, done: 0, rolled_back: 0, parked: 0 };
    const rows = this.#engine.writer.all<{ phase: Phase; n: number }>(
      'SELECT phase, count(*) AS n FROM messages WHERE parent_msgid = ? AND parent_generation = ? GROUP BY phase',
      msgid,
      generation,
    );
    for (const { phase, n } of rows) counts[phase] = n;
    return counts;
  }

  async attempt<T>(work: () => Promise<T>, keep: (value: T) => boolean): Promise<T> {
    const { writer } = this.#engine;
    const mark = this.#engine.mark();
    writer.exec('SAVEPOINT attempt');
    let kept = false;
    try {
      const value = await work();
      kept = keep(value);
      return value;
    } finally {
      if (kept) {
        writer.exec('RELEASE attempt');
      } else {
        writer.exec('ROLLBACK TO attempt; RELEASE attempt');
        this.#engine.backTo(mark);
      }
    }
  }

  async allocations(query: AllocationQuery): Promise<readonly Allocation[]> {
    return queryAllocations(this.#engine.writer, query);
  }

  async drop(archive: ArchiveRow, marks: readonly ArchivedMark[]): Promise<boolean> {
    const { writer } = this.#engine;
    const keepLast = writer.prepare(`UPDATE meta SET value = max(value, ?) WHERE name = 'last_pos'`);
    const commits = marks.flatMap(({ msgid }) =>
      writer.all<{ pos: number; id: string }>('SELECT pos, id FROM commits WHERE msgid = ?', msgid),
    );
    if (!(await dropMessages(this.db, archive, marks))) return false;
    // Positions are never given twice.
    for (const { pos, id } of commits) {
      keepLast.run(pos);
      writer.run('DELETE FROM commit_ids WHERE prefix = ? AND pos = ?', prefixNumber(id), pos);
    }
    for (const range of rangesOf(archive)) addGap(writer, range);
    return true;
  }
}

/** Keeps that these msgids are gone; ranges that touch become one. */
function addGap(writer: Connection, { first, last }: MsgidRange): void {
  const below = writer.get<MsgidRange>(
    'SELECT first, last FROM msgid_gaps WHERE first < ? ORDER BY first DESC LIMIT 1',
    first,
  );
  const before = below?.last === first - 1 ? below : undefined;
  const after = writer.get<MsgidRange>('SELECT first, last FROM msgid_gaps WHERE first = ? + 1', last);
  for (const neighbour of [before, after])
    if (neighbour !== undefined) writer.run('DELETE FROM msgid_gaps WHERE first = ?', neighbour.first);
  writer.run('INSERT INTO msgid_gaps VALUES (?, ?)', before?.first ?? first, after?.last ?? last);
}

export function queryAllocations(connection: Connection, query: AllocationQuery): Allocation[] {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  for (const name of ['kind', 'key', 'msgid'] as const) {
    const value = query[name];
    if (value === undefined) continue;
    conditions.push(`${name} = ?`);
    values.push(value);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return connection
    .all<AllocationRow>(`SELECT * FROM allocations ${where} ORDER BY kind, key`, ...values)
    .map(toAllocation);
}
