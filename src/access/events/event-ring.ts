import type { Commit } from '../../ledger/commit.ts';
import type { CommitEvent, Store } from '../../store/store.ts';

/**
 * Events that are kept whole. Each collection of what is young copies all that still lives of it, and holds up every request
 * meanwhile: so they are few.
 */
const WHOLE = 128;
/** Events of which is known which commits they brought: these are read again. */
const KNOWN = 4096;

/** An event that is told again: its position, and when it came. */
export interface Again {
  readonly position: number;
  /** ms since 1970. */
  readonly at: number;
  readonly event: CommitEvent;
}

/** What is known of an event. */
interface Known {
  readonly position: number;
  readonly at: number;
  readonly msgid: number;
  /** Of its first commit. */
  readonly seq: number;
  readonly commits: number;
}

/** The newest events by their positions, 1 for the first: the last few whole, those before by their commits. */
export class EventRing {
  readonly #whole: CommitEvent[] = [];
  readonly #msgid = new Float64Array(KNOWN);
  readonly #seq = new Float64Array(KNOWN);
  readonly #commits = new Uint32Array(KNOWN);
  readonly #at = new Float64Array(KNOWN);
  #newest = 0;

  /** Position of the newest one; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** `at`: ms since 1970. */
  add(event: CommitEvent, at: number): number {
    const position = ++this.#newest;
    const place = position % KNOWN;
    this.#whole[position % WHOLE] = event;
    this.#msgid[place] = event.message.msgid;
    this.#seq[place] = event.commits[0]?.seq ?? 0;
    this.#commits[place] = event.commits.length;
    this.#at[place] = at;
    return position;
  }

  /** When that one came, ms since 1970; null when it is not known any more, or not yet. */
  at(position: number): number | null {
    const isKnown = position > 0 && position <= this.#newest && this.#newest - position < KNOWN;
    return isKnown ? this.#at[position % KNOWN]! : null;
  }

  /** What came after that position, oldest first; null when not all of it is kept whole. */
  since(position: number): readonly CommitEvent[] | null {
    if (position > this.#newest || this.#newest - position > WHOLE) return null;
    return this.#wholeFrom(position + 1);
  }

  #wholeFrom(first: number): CommitEvent[] {
    const events: CommitEvent[] = [];
    for (let position = first; position <= this.#newest; position++)
      events.push(this.#whole[position % WHOLE]!);
    return events;
  }

  /**
   * What came after that position until now, oldest first, null when not all of it is known. What is not whole any more is read
   * from the store: the same commits, each with its message as it is now. Events without commits, and of messages that are gone, are left out then.
   */
  async again(store: Store, position: number): Promise<readonly Again[] | null> {
    if (position > this.#newest || this.#newest - position > KNOWN) return null;
    // All that is kept is taken before anything is waited for: more may come meanwhile.
    const firstWhole = Math.max(position + 1, this.#newest - WHOLE + 1);
    const known: Known[] = [];
    for (let at = position + 1; at < firstWhole; at++) known.push(this.#knownAt(at));
    const whole = this.#wholeFrom(firstWhole).map((event, i) => {
      const { position, at } = this.#knownAt(firstWhole + i);
      return { position, at, event };
    });
    return [...(await readAgain(store, known)), ...whole];
  }

  #knownAt(position: number): Known {
    const place = position % KNOWN;
    return {
      position,
      at: this.#at[place]!,
      msgid: this.#msgid[place]!,
      seq: this.#seq[place]!,
      commits: this.#commits[place]!,
    };
  }
}

async function readAgain(store: Store, known: readonly Known[]): Promise<Again[]> {
  const again: Again[] = [];
  const byMsgid = Map.groupBy(
    known.filter(({ commits }) => commits > 0),
    ({ msgid }) => msgid,
  );
  for (const [msgid, events] of byMsgid) {
    const message = await store.message(msgid);
    if (message === null) continue;
    const bySeq = await commitsOf(store, msgid, events);
    for (const { position, at, seq, commits: count } of events) {
      const commits = Array.from({ length: count }, (_, i) => bySeq.get(seq + i)).filter(
        one => one !== undefined,
      );
      if (commits.length > 0) again.push({ position, at, event: { message, commits } });
    }
  }
  return again.sort((one, other) => one.position - other.position);
}

async function commitsOf(
  store: Store,
  msgid: number,
  events: readonly Known[],
): Promise<ReadonlyMap<number, Commit>> {
  const fromSeq = Math.min(...events.map(({ seq }) => seq));
  const toSeq = Math.max(...events.map(({ seq, commits }) => seq + commits - 1));
  const commits = await store.commits(msgid, { order: 'oldest', fromSeq, toSeq, limit: toSeq - fromSeq + 1 });
  return new Map(commits.map(commit => [commit.seq, commit]));
}
