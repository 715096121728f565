import type { NextState, Write, WriteAnswer } from '../../store.ts';
import type { Together } from '../../tx.ts';
import type { Engine } from '../engine.ts';
import type { Link } from '../link/link.ts';
import type { Notes } from '../notes.ts';
import { PostgresTx } from '../postgres-tx.ts';
import { allKept, allMoves, claimedMove, isKept, type Move, writtenAnswer } from '../statements/write.ts';
import type { Done } from './transaction.ts';

/** A write that may be done together with others of its kind. */
export interface TogetherWrite {
  readonly write: Write;
  readonly together: Together<NextState>;
}

/** Does steps of one kind in the open transaction. Answers of those that are written; the others have written nothing. */
export async function writeTogether<Item extends TogetherWrite>(
  engine: Engine,
  link: Link,
  notes: Notes,
  batch: readonly Item[],
): Promise<Done<Map<Item, WriteAnswer>>> {
  const items = batch.map(({ together }) => together.item);
  const kept: Move[] = [];
  const others: Move[] = [];
  const answers = new Map<Item, WriteAnswer>();
  const now = await within(engine, link, notes, async tx => {
    const states = await batch[0]!.together.all(tx, items);
    for (const [index, item] of batch.entries()) {
      const next = states[index];
      if (next == null) continue;
      const move = claimedMove(item.write, next, tx.now);
      (isKept(item.write, next) ? kept : others).push(move);
      answers.set(item, writtenAnswer(item.write, move));
    }
    return tx.now;
  });
  // A claim that is history must not leave what its step wrote, nor a message of which somebody asked something: then they fail.
  const writes = [
    ...(kept.length > 0 ? [allKept(engine, kept, now, notes)] : []),
    ...(others.length > 0 ? [allMoves(engine, others, now, notes)] : []),
  ];
  return { value: answers, last: () => Promise.all(writes.map(write => write(link))) };
}

/** A transaction that runs beside others, as those who write in it see it. */
export async function within<T>(
  engine: Engine,
  link: Link,
  notes: Notes,
  work: (tx: PostgresTx) => Promise<T>,
): Promise<T> {
  const tx = new PostgresTx(engine, link, notes, engine.clock.now(), true);
  try {
    return await work(tx);
  } finally {
    tx.end();
  }
}
