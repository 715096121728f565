import type { Claim, ClaimRequest, ExtendAnswer } from '../store.ts';
import { Batcher } from './batcher.ts';
import type { Engine, Tell } from './engine.ts';
import type { Link } from './link/link.ts';
import { Notes } from './notes.ts';
import {
  claim,
  type ExtendCall,
  expireLeases,
  extend,
  type ReleaseCall,
  release,
  releaseWorker,
} from './statements/claim.ts';

const CALLS_MAX = 256;

interface Pending<Call, Answer> {
  readonly call: Call;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Claims and leases, on one connection whose statements go out as a pipeline and are done in order. Nothing here waits for
 * the disk, and nothing is tried again: whoever claims asks again anyway.
 */
export class LeaseLane {
  readonly #engine: Engine;
  readonly #tell: Tell;
  readonly #extends: Batcher<Pending<ExtendCall, ExtendAnswer[]>>;
  readonly #releases: Batcher<Pending<ReleaseCall, void>>;
  readonly #under = new Set<Promise<unknown>>();

  constructor(engine: Engine, tell: Tell) {
    this.#engine = engine;
    this.#tell = tell;
    const common = { timers: engine.timers, lanes: 1, max: CALLS_MAX, min: 1 };
    this.#extends = new Batcher({ ...common, run: batch => this.#extendAll(batch) });
    this.#releases = new Batcher({ ...common, run: batch => this.#releaseAll(batch) });
  }

  /** Runs something quick on the connection of the leases. */
  async on<T>(work: (link: Link) => Promise<T>): Promise<T> {
    const running = this.#engine.leases.get().then(work);
    this.#under.add(running);
    try {
      return await running;
    } catch (error) {
      throw this.#engine.fault(error);
    } finally {
      this.#under.delete(running);
    }
  }

  claim(request: ClaimRequest): Promise<Claim[]> {
    return this.on(link => claim(this.#engine, link, request));
  }

  extend(call: ExtendCall): Promise<ExtendAnswer[]> {
    return new Promise((resolve, reject) => this.#extends.push({ call, resolve, reject }));
  }

  release(call: ReleaseCall): Promise<void> {
    return new Promise((resolve, reject) => this.#releases.push({ call, resolve, reject }));
  }

  async releaseWorker(worker: string): Promise<number> {
    const { count, addresses } = await this.on(link => releaseWorker(link, worker));
    this.#ready(addresses);
    return count;
  }

  async expireLeases(): Promise<string[]> {
    const addresses = await this.on(expireLeases);
    this.#ready(addresses);
    return addresses;
  }

  async #extendAll(batch: readonly Pending<ExtendCall, ExtendAnswer[]>[]): Promise<void> {
    try {
      const answers = await this.on(link =>
        extend(
          this.#engine,
          link,
          batch.map(({ call }) => call),
        ),
      );
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] ?? []);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #releaseAll(batch: readonly Pending<ReleaseCall, void>[]): Promise<void> {
    try {
      this.#ready(
        await this.on(link =>
          release(
            link,
            batch.map(({ call }) => call),
          ),
        ),
      );
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #ready(addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    const notes = new Notes();
    notes.ready.push(...addresses);
    this.#tell(notes);
  }

  async drained(): Promise<void> {
    await Promise.all([this.#extends.drained(), this.#releases.drained()]);
    await Promise.allSettled(this.#under);
  }
}
