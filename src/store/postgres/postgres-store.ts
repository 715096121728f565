import type { Commit } from '../../ledger/commit.ts';
import type { Message, Parameters, Plan, Status } from '../../message/message.ts';
import type { MessageRow } from '../rows.ts';
import type {
  Accepted,
  Allocation,
  AllocationQuery,
  Capabilities,
  Claim,
  ClaimRef,
  ClaimRequest,
  CommitEvent,
  CommitRange,
  ExtendAnswer,
  MessageQuery,
  Place,
  Store,
  StoreScan,
  StoreTx,
  Submission,
  Write,
  WriteAnswer,
} from '../store.ts';
import type { Engine } from './engine.ts';
import { ExclusiveLane } from './lanes/exclusive-lane.ts';
import { FirstSteps } from './lanes/first-steps.ts';
import { LeaseLane } from './lanes/lease-lane.ts';
import { SubmitLane } from './lanes/submit-lane.ts';
import { TogetherLane } from './lanes/together-lane.ts';
import { WriteLane } from './lanes/write-lane.ts';
import { kyselyOn } from './link/kysely-driver.ts';
import type { Notes } from './notes.ts';
import type { PostgresTx } from './postgres-tx.ts';
import { countQueued, READY_ADDRESSES } from './statements/claim.ts';
import { MESSAGE_COLUMNS } from './statements/columns.ts';
import { readCommitsByPrefix } from './statements/find-commits.ts';
import {
  countAwaiting,
  readAllocations,
  readCommits,
  readCounts,
  readCountsOf,
  readMessage,
  readMessages,
  readParametersAt,
} from './statements/read.ts';
import { openScan } from './statements/scan.ts';
import { claimedMove, isCurrent, moveNow, refusals, writtenAnswer } from './statements/write.ts';
import { Audience } from './wake-up/audience.ts';
import { CommitFeed } from './wake-up/commit-feed.ts';
import { LifeLine } from './wake-up/life-line.ts';
import { Listener } from './wake-up/listener.ts';
import type { Notice } from './wake-up/notice.ts';
import { Notifier } from './wake-up/notifier.ts';

type Listen<T> = (value: T) => void;

/** The distributed engine: any number of servers on one PostgreSQL. */
export class PostgresStore implements Store {
  readonly capabilities: Capabilities = { engine: 'postgres', shared: true, notifies: true };
  readonly reader: Store['reader'];
  readonly #engine: Engine;
  readonly #submits: SubmitLane;
  readonly #writes: WriteLane;
  readonly #leases: LeaseLane;
  readonly #exclusive: ExclusiveLane;
  readonly #together: TogetherLane;
  readonly #audience: Audience;
  readonly #notifier: Notifier;
  readonly #listener: Listener;
  readonly #feed: CommitFeed;
  readonly #lifeLine: LifeLine;
  readonly #ready = new Set<(address: string, elsewhere: boolean) => void>();
  readonly #commits = new Set<Listen<readonly CommitEvent[]>>();
  readonly #asks = new Set<(msgid: number, worker: string) => void>();
  #closing: Promise<void> | undefined;

  /** `channel`: the name on which the servers of this database and schema notify each other. */
  constructor(engine: Engine, channel: string) {
    const tell = (notes: Notes): void => this.#tell(notes);
    this.#engine = engine;
    this.#leases = new LeaseLane(engine, tell);
    const first = new FirstSteps(engine);
    this.#submits = new SubmitLane(engine, tell, first, tag => void this.#leases.takeBack(tag));
    this.#writes = new WriteLane(engine, tell);
    this.#exclusive = new ExclusiveLane(engine, tell);
    this.#together = new TogetherLane(engine, tell, first, write => this.#writeAlone(write));
    const channels = { work: channel, commits: `${channel}:c` };
    this.#audience = new Audience(engine);
    this.#notifier = new Notifier(engine, channels, this.#audience);
    this.#feed = new CommitFeed(engine, events => this.#tellCommits(events));
    this.#lifeLine = new LifeLine(engine, channel);
    this.#listener = new Listener(engine, channels, notice => this.#heard(notice));
    this.reader = kyselyOn(work => engine.read(work));
  }

  now(): number {
    return this.#engine.clock.now();
  }

  submit(batch: readonly Submission[]): Promise<readonly Accepted[]> {
    return batch.length === 0 ? Promise.resolve([]) : this.#submits.submit(batch);
  }

  offerAccepted(reserve: (address: string) => Place | null): () => void {
    return listen(this.#submits.takers, reserve);
  }

  claim(request: ClaimRequest): Promise<readonly Claim[]> {
    return this.#leases.claim(request);
  }

  extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]> {
    return this.#leases.extend({ claims, leaseMs });
  }

  write(write: Write): Promise<WriteAnswer> {
    if (write.together) return this.#together.write(write, write.together);
    if (write.inTransaction) return this.#writeAlone(write);
    const next = write.next(null);
    return next instanceof Promise
      ? next.then(ready => this.#writes.write(write, ready))
      : this.#writes.write(write, next);
  }

  #writeAlone(write: Write): Promise<WriteAnswer> {
    return this.#exclusive.enqueue(tx => this.#writeInside(tx, write), true);
  }

  /** A claim that is no longer current does not even begin: what the step writes and the message's move are one. */
  async #writeInside(tx: PostgresTx, write: Write): Promise<WriteAnswer> {
    const { link, notes } = tx;
    if (!(await isCurrent(link, write))) {
      const answers = await refusals(this.#engine, link, [write.claim]);
      return answers.get(write.claim.msgid) as WriteAnswer;
    }
    const move = claimedMove(write, await write.next(tx), tx.now);
    await moveNow(this.#engine, link, move, tx.now, notes);
    return writtenAnswer(write, move);
  }

  release(claims: readonly ClaimRef[], begun: boolean, afterMs = 0): Promise<void> {
    return this.#leases.release({ claims, begun, afterMs });
  }

  releaseWorker(worker: string): Promise<number> {
    return this.#leases.releaseWorker(worker);
  }

  expireLeases(): Promise<readonly string[]> {
    return this.#leases.expireLeases();
  }

  readyAddresses(): Promise<readonly string[]> {
    return this.#leases.on(async link => {
      const rows = await link.run<{ address: string }>(READY_ADDRESSES);
      return rows.map(({ address }) => address);
    });
  }

  onReady(listener: (address: string, elsewhere: boolean) => void): () => void {
    return listen(this.#ready, listener);
  }

  onAsk(listener: (msgid: number, worker: string) => void): () => void {
    return listen(this.#asks, listener);
  }

  onCommit(listener: Listen<readonly CommitEvent[]>): () => void {
    const end = listen(this.#commits, listener);
    if (this.#commits.size === 1) {
      // Before the feed looks for the first time, so that nothing falls between.
      this.#listener.hearCommits(true);
      this.#notifier.listen();
      this.#feed.start();
    }
    return () => {
      end();
      if (this.#commits.size === 0) this.#stopHearing();
    };
  }

  #stopHearing(): void {
    this.#feed.stop();
    this.#notifier.stopListening();
    this.#listener.hearCommits(false);
  }

  async jot(work: (db: Store['reader']) => Promise<void>): Promise<void> {
    try {
      await this.#engine.readers.use(async link => {
        await link.once('BEGIN; SET LOCAL synchronous_commit = off');
        try {
          await work(kyselyOn(use => use(link)));
          await link.once('COMMIT');
        } catch (error) {
          if (!link.broken) await link.once('ROLLBACK').catch(() => link.destroy());
          throw error;
        }
      });
    } catch (error) {
      throw this.#engine.fault(error);
    }
  }

  holdName(name: string): Promise<void> {
    return this.#lifeLine.hold(name);
  }

  deadNames(names: readonly string[]): Promise<readonly string[]> {
    return this.#lifeLine.dead(names);
  }

  transact<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    return this.#exclusive.enqueue(work, false);
  }

  transactBeside<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    return this.#together.transact(work);
  }

  message(msgid: number): Promise<Message | null> {
    return this.#engine.read(link => readMessage(this.#engine, link, msgid));
  }

  messages(query: MessageQuery): Promise<readonly Message[]> {
    return this.#engine.read(link => readMessages(this.#engine, link, query));
  }

  counts(projects?: readonly string[]): Promise<Readonly<Record<Status, number>>> {
    return this.#engine.read(link =>
      projects === undefined ? readCounts(link) : readCountsOf(link, projects),
    );
  }

  countAwaiting(projects?: readonly string[]): Promise<number> {
    return this.#engine.read(link => countAwaiting(link, projects));
  }

  queued(atMost: number, project?: string): Promise<number> {
    return this.#engine.read(link => countQueued(link, atMost, project ?? null));
  }

  commits(msgid: number, range: CommitRange = {}): Promise<readonly Commit[]> {
    return this.#engine.read(link => readCommits(link, msgid, range));
  }

  commitsByPrefix(prefix: string, limit: number): Promise<readonly Commit[]> {
    return this.#engine.read(link => readCommitsByPrefix(link, prefix, limit));
  }

  parametersAt(msgid: number, seq: number): Promise<Parameters | null> {
    return this.#engine.read(link => readParametersAt(link, msgid, seq));
  }

  plan(hash: string): Promise<Plan | null> {
    return this.#engine.read(async link => {
      const [row] = await link.run<{ body: string }>('SELECT body FROM plans WHERE hash = $1', [hash]);
      return row === undefined ? null : (JSON.parse(row.body) as Plan);
    });
  }

  children(msgid: number): Promise<readonly Message[]> {
    return this.#engine.read(async link => {
      const rows = await link.run<MessageRow>(
        `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE parent_msgid = $1 ORDER BY msgid`,
        [msgid],
      );
      return this.#engine.messages(link, rows);
    });
  }

  allocations(query: AllocationQuery = {}): Promise<readonly Allocation[]> {
    return this.#engine.read(link => readAllocations(link, query));
  }

  scan(): StoreScan {
    return openScan(this.#engine);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopHearing();
    await Promise.all([
      this.#submits.drained(),
      this.#writes.drained(),
      this.#leases.drained(),
      this.#together.drained().then(() => this.#exclusive.drained()),
    ]);
    await this.#notifier.drained();
    await Promise.all([this.#listener.close(), this.#lifeLine.close()]);
    await this.#engine.close();
  }

  /** What this server made durable. */
  #tell(notes: Notes): void {
    this.#announce(new Set(notes.ready), false);
    for (const { msgid, worker } of notes.asked) this.#tellAsk(msgid, worker);
    if (notes.events.length > 0) this.#tellCommits(notes.events);
    this.#notifier.push(notes);
  }

  /** What another server made durable. */
  #heard(notice: Notice): void {
    if (notice.ready !== null) this.#announce(notice.ready, true);
    else
      void this.readyAddresses().then(
        addresses => this.#announce(addresses, true),
        () => {},
      );
    for (const [msgid, worker] of notice.asked) this.#tellAsk(msgid, worker);
    if (notice.listens) this.#audience.heard();
    if (notice.asks && this.#commits.size > 0) this.#notifier.listen();
    // It hears from now on, and does not know of whom.
    if (notice.origin === 0) this.#notifier.ask();
    if (notice.commits) this.#feed.look();
  }

  #announce(addresses: Iterable<string>, elsewhere: boolean): void {
    for (const address of addresses) for (const listener of this.#ready) listener(address, elsewhere);
  }

  #tellAsk(msgid: number, worker: string): void {
    for (const listener of this.#asks) listener(msgid, worker);
  }

  #tellCommits(events: readonly CommitEvent[]): void {
    for (const listener of this.#commits) listener(events);
  }
}

function listen<T>(set: Set<T>, listener: T): () => void {
  set.add(listener);
  return () => set.delete(listener);
}
