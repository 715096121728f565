import { copyFileSync, existsSync, rmSync, statSync, truncateSync } from 'node:fs';
import type { Decisions } from '../../src/channel/decisions.ts';
import { GroupServer } from '../../src/channel/groups.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Life } from './virtual-time.ts';
import type { World } from './world.ts';

/** One life of the server, from its start to its crash: a store, a channel, and the groups. */
export class ServerLife {
  readonly life = new Life();
  readonly file: string;
  readonly store: SqliteStore;
  readonly channel: StoreChannel;
  readonly decisions: Decisions;
  readonly #world: World;
  /** Statements until it crashes. */
  #fuse: number;
  #open = false;
  // How much of the write-ahead log a loss of power spares.
  #durable = 0;
  #full = true;
  #committed = false;

  constructor(world: World, file: string, fuse: number) {
    this.#world = world;
    this.#fuse = fuse;
    this.file = file;
    // What an earlier life left is on the disk.
    this.#durable = sizeOf(`${file}-wal`);
    const timers = world.time.timersOf(this.life);
    this.store = openSqlite({
      file,
      timers,
      wall: world.time.wall,
      bootId: String(world.boots),
      probe: sql => this.#probe(sql),
    });
    this.#open = true;
    this.channel = new StoreChannel(this.store, world.random.next, timers);
    this.decisions = makeDecisions(this.store, world.random.next);
    new GroupServer(this.channel, 'groups', world.random.next, () => {}, timers);
  }

  defuse(): void {
    this.#fuse = 0;
  }

  #probe(sql: string): void {
    if (this.life.dead) throw new Error('this process is dead');
    this.#settle();
    if (this.#open && --this.#fuse === 0) {
      this.#world.crash();
      throw new Error('the process ended here');
    }
    if (sql.includes('synchronous = ')) this.#full = sql.includes('FULL');
    if (sql === 'COMMIT') this.#committed = true;
  }

  /** What a COMMIT with synchronous = FULL wrote, and all before it, is on the disk. */
  #settle(): void {
    if (this.#committed && this.#full) this.#durable = sizeOf(`${this.file}-wal`);
    this.#committed = false;
  }

  /** Ends as a process does that is killed, or a machine that loses power, and leaves its files to the next life. */
  end(next: string, powerLost: boolean): void {
    this.life.dead = true;
    this.#settle();
    copyFileSync(this.file, next);
    const log = `${this.file}-wal`;
    if (existsSync(log)) {
      copyFileSync(log, `${next}-wal`);
      if (powerLost && sizeOf(log) > this.#durable) truncateSync(`${next}-wal`, this.#durable);
    }
    this.abandon();
  }

  abandon(): void {
    this.life.dead = true;
    this.store.abandon();
    for (const end of ['', '-wal', '-shm', '.lock', '.lock-journal'])
      rmSync(`${this.file}${end}`, { force: true });
  }
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
