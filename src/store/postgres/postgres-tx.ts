import { CoaxError, invariant } from '../../errors/coax-error.ts';
import type { Ask, Message, Phase } from '../../message/message.ts';
import { type ArchivedMark, type ArchiveRow, dropMessages } from '../archives.ts';
import type { MessageRow } from '../rows.ts';
import type { Accepted, Allocation, AllocationQuery, NextState, StoreTx, Submission } from '../store.ts';
import type { Engine } from './engine.ts';
import { kyselyOn } from './link/kysely-driver.ts';
import type { Link } from './link/link.ts';
import type { Notes } from './notes.ts';
import { MESSAGE_COLUMNS } from './statements/columns.ts';
import { readAllocations } from './statements/read.ts';
import { insertPrepared, noteMade, prepareSubmits } from './statements/submit.ts';
import { forcedMove, moveNow } from './statements/write.ts';

/** The open transaction of the distributed engine. What it reads of a message is locked until the end. */
export class PostgresTx implements StoreTx {
  readonly now: number;
  readonly link: Link;
  readonly notes: Notes;
  readonly beside: boolean;
  readonly #engine: Engine;
  #db: StoreTx['db'] | undefined;
  #ended = false;

  constructor(engine: Engine, link: Link, notes: Notes, now: number, beside = false) {
    this.#engine = engine;
    this.link = link;
    this.notes = notes;
    this.now = now;
    this.beside = beside;
  }

  get db(): StoreTx['db'] {
    this.#db ??= kyselyOn(work => {
      this.#assertOpen();
      return work(this.link);
    }, this.beside);
    return this.#db;
  }

  /** A step that goes on after its time must not write into the next one's transaction. */
  end(): void {
    this.#ended = true;
  }

  #assertOpen(): void {
    invariant(!this.#ended, 'the transaction is over');
  }

  async message(msgid: number): Promise<Message | null> {
    return (await this.#locked('msgid = $1', [msgid]))[0] ?? null;
  }

  async submit(submission: Submission): Promise<Accepted> {
    this.#assertOpen();
    const prepared = await prepareSubmits(this.#engine, this.link, [{ batch: [submission] }], this.now);
    const { made, answers } = prepared;
    const [answer] = answers;
    if (answer instanceof Error) throw answer;
    await insertPrepared(this.#engine, this.link, prepared, this.now);
    noteMade(made, this.notes);
    return answer?.[0] as Accepted;
  }

  async move(message: Message, next: NextState): Promise<Message> {
    this.#assertOpen();
    const move = forcedMove(message, next, this.now);
    return moveNow(this.#engine, this.link, move, this.now, this.notes);
  }

  async ask(msgid: number, ask: Ask): Promise<boolean> {
    this.#assertOpen();
    const [row] = await this.link.run<{ worker: string; ask: string | null }>(
      'SELECT worker, ask FROM messages WHERE msgid = $1 AND lease_until IS NOT NULL FOR UPDATE',
      [msgid],
    );
    if (row === undefined) return false;
    if (row.ask !== null) {
      const { kind, actor } = JSON.parse(row.ask) as Ask;
      throw new CoaxError(
        'COAX_MESSAGE_STATE',
        `${actor} asked for a ${kind} already; it takes effect when the running step has ended`,
      );
    }
    await this.link.run('UPDATE messages SET ask = $1 WHERE msgid = $2', [JSON.stringify(ask), msgid]);
    this.notes.asked.push({ msgid, worker: row.worker });
    return true;
  }

  children(msgid: number, generation: number): Promise<readonly Message[]> {
    return this.#locked('parent_msgid = $1 AND parent_generation = $2', [msgid, generation]);
  }

  async #locked(which: string, values: readonly number[]): Promise<Message[]> {
    this.#assertOpen();
    const rows = await this.link.run<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE ${which} ORDER BY parent_branch, msgid FOR UPDATE`,
      values,
    );
    return this.#engine.messages(this.link, rows);
  }

  async countChildren(msgid: number, generation: number): Promise<Readonly<Record<Phase, number>>> {
    this.#assertOpen();
    const counts: Record<Phase, number> = { open: 0, waiting: 0, done: 0, rolled_back: 0, parked: 0 };
    const rows = await this.link.run<{ phase: Phase; n: number }>(
      'SELECT phase, count(*) AS n FROM messages WHERE parent_msgid = $1 AND parent_generation = $2 GROUP BY phase',
      [msgid, generation],
    );
    for (const { phase, n } of rows) counts[phase] = n;
    return counts;
  }

  async attempt<T>(work: () => Promise<T>, keep: (value: T) => boolean): Promise<T> {
    const mark = this.notes.mark();
    await this.link.once('SAVEPOINT attempt');
    let kept = false;
    try {
      const value = await work();
      kept = keep(value);
      return value;
    } finally {
      if (kept) {
        await this.link.once('RELEASE SAVEPOINT attempt');
      } else if (!this.link.broken) {
        await this.link.once('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
        this.notes.backTo(mark);
      }
    }
  }

  allocations(query: AllocationQuery): Promise<readonly Allocation[]> {
    this.#assertOpen();
    return readAllocations(this.link, query);
  }

  drop(archive: ArchiveRow, marks: readonly ArchivedMark[]): Promise<boolean> {
    return dropMessages(this.db, archive, marks);
  }
}
