import { isCoaxError } from '../errors/coax-error.ts';
import type { Fault } from '../ledger/fault.ts';
import { MessageCheck, readPlan } from '../ledger/fsck.ts';
import type { Plan } from '../message/message.ts';
import type { Allocation, RawMessageRow, StoreScan } from './store.ts';

export interface FsckReport {
  readonly ok: boolean;
  readonly messages: number;
  readonly commits: number;
  readonly allocations: number;
  readonly faults: readonly Fault[];
  /** False when it stopped early since so much is broken. */
  readonly complete: boolean;
  readonly seconds: number;
}

export interface FsckOptions {
  /** The engine may give a msgid and then roll back, so a hole in the msgids proves nothing. */
  readonly gapsPossible?: boolean;
  /** Stops after so many faults. */
  readonly faultsMax?: number;
}

/**
 * Verifies everything that a store holds: every commit, message, plan and allocation, and the engine's own structures.
 * Changes nothing. Messages are read one by one, so memory grows with plans and allocations only.
 *
 * The store may be in use: what looks wrong is looked at again, and only what is still wrong then is a fault, since a
 * message may move between the reading of its row and of its chain.
 */
export async function fsckStore(scan: StoreScan, options: FsckOptions = {}): Promise<FsckReport> {
  const began = performance.now();
  const faultsMax = options.faultsMax ?? 1000;
  const whole = new Round(scan, null, faultsMax);
  await whole.run(options.gapsPossible ?? false);
  const faults = whole.faults.length === 0 ? [] : await confirm(scan, whole.faults, faultsMax);
  return {
    ok: faults.length === 0 && whole.complete,
    messages: whole.messages,
    commits: whole.commits,
    allocations: whole.allocations,
    faults,
    complete: whole.complete,
    seconds: (performance.now() - began) / 1000,
  };
}

/** Faults of messages that a second look finds too, and all others, which do not come and go. */
async function confirm(scan: StoreScan, found: readonly Fault[], faultsMax: number): Promise<Fault[]> {
  const suspects = new Set(found.flatMap(fault => (isFleeting(fault) ? [fault.msgid] : [])));
  if (suspects.size === 0) return [...found];
  const second = new Round(scan, suspects, faultsMax * 2);
  await second.run(true);
  const still = new Set(second.faults.map(fault => JSON.stringify(fault)));
  return found.filter(fault => !isFleeting(fault) || still.has(JSON.stringify(fault)));
}

function isFleeting(fault: Fault): fault is Fault & { msgid: number } {
  return fault.msgid !== undefined && !['plan', 'orphan', 'missing'].includes(fault.kind);
}

/** One walk over the store, or over some of its messages. */
class Round {
  readonly faults: Fault[] = [];
  messages = 0;
  commits = 0;
  allocations = 0;
  complete = true;
  readonly #scan: StoreScan;
  readonly #only: ReadonlySet<number> | null;
  readonly #faultsMax: number;
  readonly #plans = new Map<string, Plan | null>();
  readonly #held = new Map<number, Allocation[]>();

  constructor(scan: StoreScan, only: ReadonlySet<number> | null, faultsMax: number) {
    this.#scan = scan;
    this.#only = only;
    this.#faultsMax = faultsMax;
  }

  async run(gapsPossible: boolean): Promise<void> {
    const parts: (() => Promise<void>)[] = [
      () => this.#readPlans(),
      () => this.#readAllocations(),
      () => this.#walkMessages(gapsPossible),
    ];
    if (this.#only === null) parts.unshift(() => this.#engine());
    if (this.#only === null) parts.push(() => this.#orphans());
    for (const part of parts) await this.#guarded(part);
  }

  /** A file so damaged that it cannot be read is a fault to report, too. */
  async #guarded(part: () => Promise<void>): Promise<void> {
    try {
      await part();
    } catch (error) {
      if (!isCoaxError(error, 'COAX_STORE_CORRUPT')) throw error;
      this.#add({ kind: 'integrity', reason: error.reason });
      this.complete = false;
    }
  }

  #add(...faults: readonly Fault[]): void {
    for (const fault of faults) {
      if (this.faults.length < this.#faultsMax) this.faults.push(fault);
      else this.complete = false;
    }
  }

  async #engine(): Promise<void> {
    for (const reason of await this.#scan.integrity()) this.#add({ kind: 'integrity', reason });
  }

  async #readPlans(): Promise<void> {
    for await (const { hash, body } of this.#scan.plans()) {
      const plan = readPlan(hash, body);
      this.#plans.set(hash, typeof plan === 'string' ? null : plan);
      if (typeof plan === 'string') this.#add({ kind: 'plan', id: hash, reason: `the plan ${plan}` });
    }
  }

  async #readAllocations(): Promise<void> {
    for await (const allocation of this.#scan.allocations()) {
      if (this.#only !== null && !this.#only.has(allocation.msgid)) continue;
      this.allocations += 1;
      const held = this.#held.get(allocation.msgid);
      if (held === undefined) this.#held.set(allocation.msgid, [allocation]);
      else held.push(allocation);
    }
  }

  async #walkMessages(gapsPossible: boolean): Promise<void> {
    // Read first: a message accepted later is no hole.
    const lastMsgid = await this.#scan.lastMsgid();
    const gaps = await this.#scan.gaps();
    let previous = 0;
    let passed = 0;
    /** Follows the known gaps up to that msgid: whatever else is missing before it is a fault. */
    const reach = (msgid: number): void => {
      for (let gap = gaps[passed]; gap !== undefined && gap.first < msgid; gap = gaps[++passed]) {
        this.#checkGap(previous, gap.first);
        previous = Math.max(previous, gap.last);
      }
      this.#checkGap(previous, msgid);
    };
    for await (const row of this.#scan.messages()) {
      if (this.#only !== null && !this.#only.has(row.msgid)) continue;
      if (!gapsPossible) reach(row.msgid);
      previous = row.msgid;
      await this.#checkMessage(row);
      if (!this.complete) return;
    }
    if (!gapsPossible) reach(lastMsgid + 1);
    for (const [msgid, held] of this.#held) {
      this.#add(
        ...held.map(allocation => allocationFault(allocation, `message ${msgid}, which does not exist`)),
      );
    }
  }

  #checkGap(before: number, after: number): void {
    if (after <= before + 1) return;
    const missing =
      after === before + 2 ? `message ${before + 1} is` : `messages ${before + 1} to ${after - 1} are`;
    this.#add({ kind: 'missing', msgid: before + 1, reason: `${missing} missing` });
  }

  async #checkMessage(row: RawMessageRow): Promise<void> {
    this.messages += 1;
    const plan = this.#plans.get(row.planHash);
    if (plan === undefined) {
      this.#add({ kind: 'plan', msgid: row.msgid, id: row.planHash, reason: 'its plan is missing' });
    }
    const check = new MessageCheck(row, plan ?? null);
    for await (const commit of this.#scan.commits(row.msgid)) {
      check.add(commit);
      this.commits += 1;
    }
    this.#add(...check.end());
    const held = this.#held.get(row.msgid);
    if (held === undefined) return;
    this.#held.delete(row.msgid);
    const phase = check.state?.phase ?? row.phase;
    if (phase !== 'rolled_back') return;
    this.#add(
      ...held.map(allocation => allocationFault(allocation, `message ${row.msgid}, which is rolled back`)),
    );
  }

  async #orphans(): Promise<void> {
    for await (const row of this.#scan.orphanCommits()) {
      this.#add({
        kind: 'orphan',
        msgid: row.msgid,
        seq: row.seq,
        id: row.id,
        reason: 'its message is missing',
      });
    }
  }
}

function allocationFault({ kind, key, msgid }: Allocation, holder: string): Fault {
  return { kind: 'allocation', msgid, reason: `${kind} ${key} is held by ${holder}` };
}
