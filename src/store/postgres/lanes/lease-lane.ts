import { isCoaxError } from '../../../errors/coax-error.ts';
import type { Claim, ClaimRequest, ExtendAnswer } from '../../store.ts';
import type { Engine, Tell } from '../engine.ts';
import type { Link } from '../link/link.ts';
import { Notes } from '../notes.ts';
import {
  claim,
  type ExtendCall,
  expireLeases,
  extend,
  type ReleaseCall,
  release,
  releaseWorker,
  takeBack,
} from '../statements/claim.ts';
import { Batcher } from './batcher.ts';

const CALLS_MAX = 256;
const TAKE_BACK_AFTER_MS = [20, 500, 5000];

interface Pending<Call, Answer> {
  readonly call: Call;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Claims and leases, on one connection whose statements go out as a pipeline and are done in order. Nothing is
 * tried again: whoever claims asks again anyway.
 */
export class LeaseLane {
  readonly #engine: Engine;
  readonly #tell: Tell;
  readonly #extends: Batcher<Pending<ExtendCall, ExtendAnswer[]>>;
  readonly #releases: Batcher<Pending<ReleaseCall, void>>;
  readonly #under = new Set<Promise<unknown>>();
  #closed = false;

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

  async claim(request: ClaimRequest): Promise<Claim[]> {
    const tag = this.#engine.nextTag();
    let sent = false;
    try {
      return await this.on(link => {
        sent = true;
        return claim(this.#engine, link, request, tag);
      });
    } catch (error) {
      // Messages that nobody knows he holds would lie still until the end of their lease.
      if (sent && isCoaxError(error, 'COAX_STORE_UNAVAILABLE')) void this.takeBack(tag);
      throw error;
    }
  }

  /**
   * Gives back what was claimed under that tag, whose answer never came. More than once: the claim may still be under way at the
   * other end of the connection that was lost.
   */
  async takeBack(tag: number): Promise<void> {
    for (const ms of TAKE_BACK_AFTER_MS) {
      await this.#engine.pause(ms);
      if (this.#closed) return;
      await this.on(link => takeBack(link, tag)).then(
        addresses => this.#ready(addresses),
        () => {},
      );
    }
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
    this.#closed = true;
    await Promise.all([this.#extends.drained(), this.#releases.drained()]);
    await Promise.allSettled(this.#under);
  }
}
