import type { Store } from '../store/store.ts';
import { REAL_TIMERS, type Timers } from '../store/timers.ts';
import {
  forgetProcess,
  lastSeen,
  readProcesses,
  readWorkers,
  type WorkerNow,
  type WorkerRecord,
  writeWorkers,
} from '../store/workers.ts';

const BEAT_MS = 5000;
/** A change is told soon; several at once are told together. */
const SOON_MS = 50;
/** Not heard of for so long: forgotten. */
const FORGET_MS = 60_000;
/** How often others are looked after. One must be found gone twice, so that a connection that breaks is no death. */
const LOOK_MS = 400;

export interface PresenceOptions {
  readonly store: Store;
  /** Name of this process, unique among living ones. */
  readonly process: string;
  /** Names under which that process claims: its worker's and its groups'. */
  claimantsOf(process: string): readonly string[];
  readonly timers?: Timers;
  onFault?(error: unknown): void;
  /** Hears that the work of a dead process was given back. */
  onDeath?(process: string, claims: number): void;
}

/**
 * Who is there, over all processes that share the store: tells of the workers here every five seconds, and gives back what
 * a process held that died without a word, about a second after its death.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #timers: Timers;
  readonly #sources = new Set<() => readonly WorkerNow[]>();
  #suspects: ReadonlySet<string> = new Set();
  #beat: (() => void) | undefined;
  #look: (() => void) | undefined;
  #soon: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** What waits for the one that is under way, and will tell what is so then. */
  #next: Promise<void> | null = null;
  #records: readonly WorkerRecord[] = [];
  #closed = false;

  /** Takes the name. Errors: COAX_WORKER_NAME, COAX_STORE_UNAVAILABLE. */
  static async open(options: PresenceOptions): Promise<Presence> {
    await options.store.holdName(options.process);
    const presence = new Presence(options);
    // Whoever had this name before is dead.
    for (const claimant of options.claimantsOf(options.process)) await options.store.releaseWorker(claimant);
    await presence.#tell();
    presence.#beatLater();
    presence.#lookLater();
    return presence;
  }

  private constructor(options: PresenceOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
  }

  /** Adds workers to tell of; returns what takes them away again. */
  add(source: () => readonly WorkerNow[]): () => void {
    this.#sources.add(source);
    this.changed();
    return () => {
      this.#sources.delete(source);
      this.changed();
    };
  }

  /** Something of the workers here is new: others should hear of it soon. */
  changed(): void {
    this.#soon ??= this.#timers.after(
      SOON_MS,
      () => {
        this.#soon = undefined;
        void this.#tell();
      },
      true,
    );
  }

  /** Resolves when the others can read of the workers here as they are now; several who ask at once are one. */
  told(): Promise<void> {
    this.#next ??= this.#tell();
    return this.#next;
  }

  /** Every worker of every process, by name; those here as they are now. */
  async list(): Promise<readonly WorkerRecord[]> {
    const { store, process } = this.#options;
    const now = store.now();
    const here = this.#here().map(worker => ({ ...worker, process, seen: now }));
    const names = new Set(here.map(({ name }) => name));
    const others = (await readWorkers(store.reader)).filter(
      worker => worker.process !== process && !names.has(worker.name) && worker.seen >= now - FORGET_MS,
    );
    this.#records = [...others, ...here].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#records;
  }

  /** Who served that address last, and when; null if nobody ever did. */
  lastSeen(address: string): Promise<{ readonly worker: string; readonly seen: number } | null> {
    return lastSeen(this.#options.store.reader, address);
  }

  /** Whether a living worker, here or elsewhere, knows that action. As it was known at the last look, at most 5 s ago. */
  isKnown(module: string, action: string): boolean {
    return this.#records.some(
      ({ about }) => about.modules[module]?.[action] !== undefined && !about.draining,
    );
  }

  /**
   * Names of the processes whose workers serve that address, in order. As it was known at the last look, at most 5 s ago.
   */
  servers(address: string): readonly string[] {
    const serving = this.#records.filter(({ about }) => !about.draining && about.addresses.includes(address));
    return [...new Set(serving.map(worker => worker.process))].sort();
  }

  /** Takes this process's workers off the list. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const stop of [this.#beat, this.#look, this.#soon]) stop?.();
    await this.#writing;
    const { store, process } = this.#options;
    await store.jot(db => forgetProcess(db, process)).catch(() => {});
  }

  #here(): WorkerNow[] {
    return [...this.#sources].flatMap(source => source());
  }

  #beatLater(): void {
    this.#beat = this.#timers.after(BEAT_MS, () => void this.#tell().then(() => this.#beatLater()), true);
  }

  /** One at a time: two at once would wait for each other's rows. */
  #tell(): Promise<void> {
    const { store, process } = this.#options;
    this.#writing = this.#writing.then(async () => {
      this.#next = null;
      if (this.#closed) return;
      try {
        const now = store.now();
        await store.jot(db => writeWorkers(db, process, this.#here(), now, now - FORGET_MS));
        await this.list();
      } catch (error) {
        this.#options.onFault?.(error);
      }
    });
    return this.#writing;
  }

  #lookLater(): void {
    if (this.#closed) return;
    const next = (): void => this.#lookLater();
    this.#look = this.#timers.after(LOOK_MS, () => void this.#lookAfterOthers().then(next, next), true);
  }

  async #lookAfterOthers(): Promise<void> {
    const { store, process } = this.#options;
    const others = new Set(await readProcesses(store.reader));
    others.delete(process);
    const dead = await store.deadNames([...others]);
    for (const name of dead) if (this.#suspects.has(name)) await this.#bury(name);
    this.#suspects = new Set(dead);
  }

  async #bury(process: string): Promise<void> {
    const { store, claimantsOf, onDeath } = this.#options;
    // Workers that spoke to it over HTTP have lost the connection by which they were known to live; those that have another
    // by now are listed under another server. Those that had none with it may have one elsewhere.
    const remote = (await readWorkers(store.reader)).filter(
      ({ process: teller, about }) => teller === process && about.role === 'http' && about.session !== false,
    );
    let claims = 0;
    for (const claimant of [...claimantsOf(process), ...remote.map(({ name }) => name)])
      claims += await store.releaseWorker(claimant);
    await store.jot(db => forgetProcess(db, process));
    onDeath?.(process, claims);
  }
}
