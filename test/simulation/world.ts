import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Claim } from '../../src/channel/channel.ts';
import type { Catalogue } from '../../src/step/contract.ts';
import type { RunningStep } from '../../src/worker/running-step.ts';
import { Worker } from '../../src/worker/worker.ts';
import { ADDRESSES, CALM, makeCatalogue, type Temper } from './actions.ts';
import { checkDurable } from './checks.ts';
import { leasedIn } from './leased-in.ts';
import { LossyChannel } from './lossy-channel.ts';
import { type ActiveCall, Model } from './model.ts';
import type { Random } from './random.ts';
import { ServerLife } from './server-life.ts';
import { Life, VirtualTime } from './virtual-time.ts';

export interface WorldOptions {
  readonly random: Random;
  /** A folder of its own. */
  readonly dir: string;
  /** An empty, migrated database to begin from. */
  readonly template: string;
  readonly temper: Temper;
}

const WORKERS = 3;

/** A whole installation in virtual time: one server that crashes, workers that die and freeze, and the world outside. */
export class World {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly model = new Model();
  temper: Temper;
  /** Do things still go wrong? */
  chaos = true;
  server: ServerLife | null = null;
  crashes = 0;
  /** What people do when a server is back. */
  afterStart: () => void = () => {};
  /** Boots of the machine: a loss of power begins another one. */
  boots = 1;
  faults: unknown[] = [];
  /** Newest commit of each message that somebody was told of as durable. */
  readonly told = new Map<number, { seq: number; head: string }>();
  readonly #options: WorldOptions;
  readonly #catalogue: Catalogue;
  readonly #lives = new Map<string, Life>();
  readonly #workers = new Map<string, Worker>();
  /** Who was given each step last. */
  readonly #holders = new Map<string, Claim>();
  readonly #outside = new Life();
  #reader: DatabaseSync | null = null;
  #names = 0;
  #files = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = options.random;
    this.temper = options.temper;
    this.time = new VirtualTime(options.random);
    this.#catalogue = makeCatalogue(this);
    copyFileSync(options.template, this.#file());
    this.#start();
  }

  #file(): string {
    return join(this.#options.dir, `coax-${this.#files}.db`);
  }

  #start(): void {
    const fuse = this.chaos && this.crashes < 4 && this.random.chance(0.6) ? this.random.int(1, 500) : 0;
    this.server = new ServerLife(this, this.#file(), fuse);
    this.#reader = new DatabaseSync(this.#file(), { readOnly: true });
    for (let i = 0; i < WORKERS; i++) this.startWorker();
  }

  startWorker(): void {
    const { server } = this;
    if (server === null) return;
    this.#names += 1;
    const name = `w${this.#names}`;
    const life = new Life();
    this.#lives.set(name, life);
    const worker = new Worker({
      name,
      channel: new LossyChannel(this, server.channel, life),
      catalogue: this.#catalogue,
      addresses: () => ADDRESSES,
      now: () => server.store.now(),
      concurrency: this.random.int(1, 4),
      leaseMs: 5000,
      timers: this.time.timersOf(life),
      onFault: error => this.faults.push(error),
    });
    this.#workers.set(name, worker);
  }

  lifeOf(worker: string): Life {
    return this.#lives.get(worker) as Life;
  }

  /** Workers that are alive. */
  get workers(): string[] {
    return [...this.#lives].filter(([, life]) => !life.dead).map(([name]) => name);
  }

  killWorker(name: string, seen: boolean): void {
    this.lifeOf(name).dead = true;
    this.note(`kill ${name}${seen ? '' : ', unseen'}`);
    if (seen) void this.server?.store.releaseWorker(name).catch(() => {});
    this.startWorker();
  }

  /** A worker is told to end in good order; another takes its place at once. */
  drainWorker(name: string, graceMs: number): void {
    this.note(`drain ${name}`);
    void this.#workers.get(name)?.drain(graceMs);
    this.startWorker();
  }

  freezeWorker(name: string, ms: number): void {
    const life = this.lifeOf(name);
    life.frozenUntil = this.time.now + ms;
    life.disturbed = true;
    this.note(`freeze ${name} for ${ms} ms`);
  }

  /** The server ends between two statements; its workers end with it. A new one starts on the same files a moment later. */
  crash(): void {
    const { server } = this;
    if (server === null) return;
    const powerLost = this.random.chance(0.3);
    this.crashes += 1;
    this.#files += 1;
    this.note(powerLost ? 'power lost' : 'crash');
    if (powerLost) {
      this.boots += 1;
      this.model.powerLost = true;
    }
    this.#end();
    server.end(this.#file(), powerLost);
    if (this.random.chance(0.3)) this.time.wallOffset += this.random.int(-3_600_000, 3_600_000);
    this.time.timersOf(this.#outside).after(this.random.int(0, 3000), () => {
      // A claim may have been written, and the crash came before its worker heard of it: nobody can tell, so it counts as had.
      if (!powerLost) for (const key of leasedIn(this.#file())) this.model.granted.add(key);
      this.#start();
      checkDurable(this);
      if (this.chaos)
        for (let i = this.random.int(0, 4); i > 0; i--) this.later(this.random.int(0, 30), this.afterStart);
      this.note('started again');
    });
  }

  /** From now on nothing goes wrong any more. */
  calmDown(): void {
    this.chaos = false;
    this.temper = CALM;
    this.server?.defuse();
  }

  #end(): void {
    for (const life of this.#lives.values()) life.dead = true;
    this.#reader?.close();
    this.#reader = null;
    this.server = null;
  }

  close(): void {
    const { server } = this;
    this.#end();
    server?.abandon();
  }

  /** Something of the world's own that happens later, whoever is dead by then. */
  later(ms: number, call: () => void): void {
    this.time.timersOf(this.#outside).after(ms, call);
  }

  granted(claim: Claim): void {
    const { message } = claim;
    this.#holders.set(`${message.msgid}/${message.seq}`, claim);
    this.note(
      `${message.worker} has ${message.mode} ${message.msgid}.${message.cursor}, fence ${claim.fence}, seq ${message.seq}`,
    );
    if (message.mode === 'normal') this.model.granted.add(`${message.msgid}.${message.cursor}`);
  }

  /** The channel took an outcome for that claim: nobody may have been given the same step after it. */
  wrote(claim: Claim): void {
    const { msgid, seq } = claim.message;
    if (this.#holders.get(`${msgid}/${seq}`) !== claim)
      this.model.violation(`an outcome of message ${msgid} was taken from a worker that had lost it`);
  }

  saw(message: { msgid: number; seq: number; head: string }): void {
    const known = this.told.get(message.msgid);
    if (known === undefined || known.seq < message.seq)
      this.told.set(message.msgid, { seq: message.seq, head: message.head });
  }

  /** Does that step's worker still hold the claim? */
  isCurrent({ claim }: RunningStep): boolean {
    const row = this.row(claim.msgid);
    return (
      row !== undefined &&
      row.fence === claim.fence &&
      row.seq === claim.message.seq &&
      row.lease_until !== null
    );
  }

  /** As the ledger has it: the row itself may be behind while a worker holds the message. */
  row(msgid: number): { fence: number; seq: number; head: string; lease_until: number | null } | undefined {
    return this.#reader
      ?.prepare(
        `SELECT m.fence, c.seq, c.id AS head, m.lease_until FROM messages m JOIN commits c ON c.msgid = m.msgid
         WHERE m.msgid = ? ORDER BY c.seq DESC LIMIT 1`,
      )
      .get(msgid) as { fence: number; seq: number; head: string; lease_until: number | null } | undefined;
  }

  /** Messages that have not come to rest; null while no server runs. */
  restless(): { msgid: number; phase: string }[] | null {
    const sql = `SELECT msgid, phase FROM messages WHERE phase NOT IN ('done', 'rolled_back')`;
    return (this.#reader?.prepare(sql).all() ?? null) as { msgid: number; phase: string }[] | null;
  }

  commitId(msgid: number, seq: number): string | undefined {
    const row = this.#reader?.prepare('SELECT id FROM commits WHERE msgid = ? AND seq = ?').get(msgid, seq);
    return (row as { id: string } | undefined)?.id;
  }

  /** Waits in a step; false when it is told to stop before the time is over. */
  sleep({ call, life }: ActiveCall, ms: number): Promise<boolean> {
    const { signal } = call;
    return new Promise(resolve => {
      if (signal.aborted) return resolve(false);
      const end = (slept: boolean): void => {
        stop();
        signal.removeEventListener('abort', abort);
        resolve(slept);
      };
      const abort = (): void => end(false);
      const stop = this.time.timersOf(life).after(ms, () => end(true));
      signal.addEventListener('abort', abort);
    });
  }

  untilAborted(active: ActiveCall): Promise<boolean> {
    return this.sleep(active, 10 * 60_000);
  }

  note(text: string): void {
    this.model.note(`${this.time.now} ${text}`);
  }
}
