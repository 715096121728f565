import type { Commit, CommitBody } from '../ledger/commit.ts';
import type { RawCommitRow, RawMessageRow } from '../ledger/rows.ts';
import type { Labels } from '../message/carried/labels.ts';
import type { Selector } from '../message/carried/selector.ts';
import type { Trace } from '../message/carried/trace.ts';
import type {
  Ask,
  Message,
  MessageState,
  Parameters,
  ParentLink,
  Phase,
  Plan,
  Status,
} from '../message/message.ts';
import type { ArchivedMark, ArchiveRow, MsgidRange } from './archives.ts';
import type { Together, Tx } from './tx.ts';

/**
 * The one interface of both engines. The store knows messages, not modules.
 *
 * Promises: what a resolved write returned is durable. Every write is all or nothing. A write for a claim whose fence
 * or head is no longer current changes nothing. Errors: COAX_STORE_UNAVAILABLE (may be tried again), COAX_STORE_CORRUPT.
 */
export interface Store {
  readonly capabilities: Capabilities;
  /** Milliseconds since 1970; never goes back while the store is open. */
  now(): number;

  // --- the hot path: batches -------------------------------------------------------------------------------------
  /** Accepts messages; each is durable, with its first commit, when this resolves. The order of the answers is the input's. */
  submit(batch: readonly Submission[]): Promise<readonly Accepted[]>;
  /**
   * Asks, of each message that is about to be accepted by `submit`, whether a worker here takes it at once: then the transaction that
   * accepts it leases it to that worker too, and nobody is told that there is work. An engine where a claim costs next to nothing
   * need not ask. Returns what ends it.
   */
  offerAccepted(reserve: (address: string) => Place | null): () => void;
  /** Leases up to `limit` messages that stand at one of these addresses, oldest ready first. */
  claim(request: ClaimRequest): Promise<readonly Claim[]>;
  /** Leases last `leaseMs` from now; says per claim whether it still holds and whether a person asked for something. */
  extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]>;
  /** Writes a transition. The engine gathers those that are asked for at the same time into one transaction. */
  write(write: Write): Promise<WriteAnswer>;
  /**
   * Gives claims back untouched: the messages are claimable at once, or `afterMs` later. `begun` says whether the step may
   * have done something.
   */
  release(claims: readonly ClaimRef[], begun: boolean, afterMs?: number): Promise<void>;
  /** Gives back everything that a worker that is known to be dead holds. Returns how many. */
  releaseWorker(worker: string): Promise<number>;
  /** Gives back every claim whose lease has ended. Returns the addresses that got work. */
  expireLeases(): Promise<readonly string[]>;
  /** Addresses that have claimable work now. */
  readyAddresses(): Promise<readonly string[]>;
  /**
   * Calls back, soon, with an address that may have got claimable work; `elsewhere`: another process made it. Returns a function
   * that ends it.
   */
  onReady(listener: (address: string, elsewhere: boolean) => void): () => void;
  /** Calls back when a person asked for something of a message that a worker holds. */
  onAsk(listener: (msgid: number, worker: string) => void): () => void;
  /** Calls back after each transaction with the transitions that it made durable. */
  onCommit(listener: (events: readonly CommitEvent[]) => void): () => void;

  // --- who is there -------------------------------------------------------------------------------------------------
  /** Small writes that a crash may lose, in one transaction; nobody waits for the disk. Seen by `reader` when resolved. */
  jot(work: (db: Tx['db']) => Promise<void>): Promise<void>;
  /**
   * Holds a name until the store is closed or this process dies, which others see. Resolves when it is held. Errors:
   * COAX_WORKER_NAME when another process lives under it.
   */
  holdName(name: string): Promise<void>;
  /** Which of these names no process holds now. None while this process cannot tell. */
  deadNames(names: readonly string[]): Promise<readonly string[]>;

  // --- people's verbs -------------------------------------------------------------------------------------------
  /** One exclusive transaction of the caller's own; used for people's decisions and by the cloud's tables. */
  transact<T>(work: (tx: StoreTx) => Promise<T>): Promise<T>;
  /** The same, but beside others of this kind where the engine can: what `Together` says of such a transaction holds. */
  transactBeside<T>(work: (tx: StoreTx) => Promise<T>): Promise<T>;

  // --- reading --------------------------------------------------------------------------------------------------
  message(msgid: number): Promise<Message | null>;
  messages(query: MessageQuery): Promise<readonly Message[]>;
  /** How many have each status, of all projects or of these. */
  counts(projects?: readonly string[]): Promise<Readonly<Record<Status, number>>>;
  /** How many wait for a person to approve, of all projects or of these. */
  countAwaiting(projects?: readonly string[]): Promise<number>;
  /** How many messages wait for a worker, of all projects or of one; no more than `atMost` are counted. */
  queued(atMost: number, project?: string): Promise<number>;
  /** Commits of one message, by seq; `order` newest or oldest first. */
  commits(msgid: number, range?: CommitRange): Promise<readonly Commit[]>;
  /** Commits whose id begins so (at least 4 hex digits), at most `limit`. */
  commitsByPrefix(prefix: string, limit: number): Promise<readonly Commit[]>;
  /** Parameters as they were after that commit; from the nearest snapshot. Null if there is no such commit. */
  parametersAt(msgid: number, seq: number): Promise<Parameters | null>;
  plan(hash: string): Promise<Plan | null>;
  children(msgid: number): Promise<readonly Message[]>;
  allocations(query?: AllocationQuery): Promise<readonly Allocation[]>;
  /** Read access for queries of the cloud's own tables; sees only what is durable. */
  readonly reader: Tx['db'];
  /** Everything there is, row by row as it lies in the database, for fsck and export. */
  scan(): StoreScan;

  /** Waits for writes under way, then closes. */
  close(): Promise<void>;
}

/** What an engine can do beyond the promises; the conformance suite asserts each. */
export interface Capabilities {
  readonly engine: 'sqlite' | 'postgres';
  /** Several processes may use the store at once. */
  readonly shared: boolean;
  /** Wake-ups reach other processes. */
  readonly notifies: boolean;
}

export interface Submission {
  readonly flow: string;
  readonly plan: Plan;
  readonly parameters: Parameters;
  readonly actor: string;
  /** Whose it is; `default` if absent. */
  readonly project?: string;
  /** The same key gives the same message; another body under it is refused with COAX_IDEMPOTENCY_CONFLICT. */
  readonly idempotencyKey?: string;
  /** The plan came with the request rather than from a flow, so it is part of what the key stands for. */
  readonly planIsOwn?: boolean;
  readonly labels?: Labels;
  readonly trace?: Trace | null;
  readonly parent?: ParentLink;
  /** A message made from a commit of another starts in that state. */
  readonly fork?: { readonly from: string; readonly state: MessageState };
}

export interface Accepted {
  readonly msgid: number;
  /** id of the commit that accepted it. */
  readonly head: string;
  /** False when the idempotency key was seen before. */
  readonly created: boolean;
  /** The message as it was accepted; null when the key was seen before. */
  readonly message: Message | null;
}

export interface ClaimRequest {
  readonly worker: string;
  readonly addresses: readonly string[];
  readonly limit: number;
  readonly leaseMs: number;
}

/** Kept for a message that is about to be accepted: one of `fill` and `free` follows. */
export interface Place {
  readonly worker: string;
  readonly leaseMs: number;
  /** Its first step, where the transaction that accepts it may do that too; null where it may not. */
  begin?(claim: Claim): FirstStep | null;
  /** It is accepted, durably, and this worker's; its first step may have been done. */
  fill(claim: Claim): void;
  /** It does not come. */
  free(): void;
}

/** A step that may be done as its message is accepted. Where that goes wrong the message is accepted without it. */
export interface FirstStep {
  readonly write: Write & { readonly together: Together<NextState> };
  /** It is done, durably. */
  done(answer: Written): void;
}

/** What a late writer cannot forge: the fence of its claim and the head it saw. */
export interface ClaimRef {
  readonly msgid: number;
  readonly fence: number;
}

/** A message whose step this worker may do until `leaseUntil`. */
export interface Claim extends ClaimRef {
  readonly message: Message;
  readonly leaseUntil: number;
}

export type ExtendAnswer = 'held' | 'lost' | { readonly ask: Ask };

/** A commit before its place in the chain is known: the store adds parent, msgid and seq. */
export type NewCommit = Omit<CommitBody, 'parent' | 'msgid' | 'seq'>;

/** The next state of a claimed message with the commits that lead to it. */
export interface NextState {
  readonly state: MessageState;
  /** Usually one; none when only the phase changes (waiting for children). */
  readonly commits: readonly NewCommit[];
  readonly address: string | null;
  /** Not claimable before (ms since 1970); 0 = at once. */
  readonly readyAt: number;
}

export interface Write {
  readonly claim: Claim;
  /** The writer has taken `claim.message.ask` into account; without this a message with an ask is not written. */
  readonly obeys: boolean;
  /** Keep the lease: the same worker goes on with the next step. */
  keep(next: NextState): boolean;
  /** Computes the next state; in the transaction when `inTransaction`, else it is called before it begins. */
  readonly inTransaction: boolean;
  next(tx: StoreTx | null): NextState | Promise<NextState>;
  /** How it may be computed for many messages at once; an engine that has no use for this calls `next` for each. */
  readonly together?: Together<NextState>;
}

export interface Written {
  readonly kind: 'written';
  readonly message: Message;
  readonly claim: Claim | null;
}

/**
 * `written`: durable; `claim` is the claim on the next step when it was kept, else null. `lost`: the claim was no longer
 * current. `asked`: nothing was written since a person asked for something; write again with the claim given here.
 */
export type WriteAnswer =
  | Written
  | { readonly kind: 'lost' }
  | { readonly kind: 'asked'; readonly claim: Claim };

/** The open transaction with the message verbs that a person's decision or a group needs. */
export interface StoreTx extends Tx {
  message(msgid: number): Promise<Message | null>;
  submit(submission: Submission): Promise<Accepted>;
  /** Moves a message that no worker holds, or takes it from the one that does (its fence grows). */
  move(message: Message, next: NextState): Promise<Message>;
  /** Leaves a decision with the worker that holds the message. False if no worker does. */
  ask(msgid: number, ask: Ask): Promise<boolean>;
  /** Children of one group of a message, by branch. */
  children(msgid: number, generation: number): Promise<readonly Message[]>;
  /** How many of them are in each phase. */
  countChildren(msgid: number, generation: number): Promise<Readonly<Record<Phase, number>>>;
  /** Runs `work` and takes back what it wrote unless `keep` says that its value is worth it. */
  attempt<T>(work: () => Promise<T>, keep: (value: T) => boolean): Promise<T>;
  allocations(query: AllocationQuery): Promise<readonly Allocation[]>;
  /**
   * Takes archived messages out of the store, with their commits. False, and nothing is done, when one of them is not as it
   * was, holds something, or has a child that is not among them. What verified the archive is the caller's to have done.
   */
  drop(archive: ArchiveRow, marks: readonly ArchivedMark[]): Promise<boolean>;
}

export interface CommitEvent {
  readonly message: Message;
  readonly commits: readonly Commit[];
}

export interface MessageQuery {
  readonly status?: Status;
  readonly flow?: string;
  /** Only those that wait for a person to approve. */
  readonly awaiting?: boolean;
  /** Only of these projects; of all if absent. */
  readonly projects?: readonly string[];
  /** Only those whose labels are so. */
  readonly selector?: Selector;
  /** Only top-level messages unless true. */
  readonly withChildren?: boolean;
  /** Those that are in archives, instead of those in the store; only where archives are read. */
  readonly archived?: boolean;
  /** Newest first: only msgids below this one. */
  readonly before?: number;
  readonly limit: number;
}

export interface CommitRange {
  readonly order?: 'oldest' | 'newest';
  readonly fromSeq?: number;
  readonly toSeq?: number;
  readonly limit?: number;
}

/** Something that belongs to a message until the message is rolled back: a host claim, an address, a VM. */
export interface Allocation {
  readonly kind: string;
  /** Unique within its kind. */
  readonly key: string;
  readonly msgid: number;
  readonly detail: Parameters;
  readonly created: number;
}

export interface AllocationQuery {
  readonly kind?: string;
  readonly msgid?: number;
  readonly key?: string;
}

/** Raw rows, unparsed, so that fsck sees damage rather than an exception. */
export interface StoreScan {
  messages(): AsyncIterable<RawMessageRow>;
  commits(msgid: number): AsyncIterable<RawCommitRow>;
  /** Commits whose message row is missing. */
  orphanCommits(): AsyncIterable<RawCommitRow>;
  plans(): AsyncIterable<{ hash: string; body: string }>;
  allocations(): AsyncIterable<Allocation>;
  /** Highest msgid ever given. */
  lastMsgid(): Promise<number>;
  archives(): Promise<readonly ArchiveRow[]>;
  /** Msgids that are rightly not there, in order; an engine in which any may be missing does not say. */
  gaps(): Promise<readonly MsgidRange[]>;
  /** The engine's own integrity check: a line per fault. */
  integrity(): Promise<readonly string[]>;
}

export type { RawCommitRow, RawMessageRow };
