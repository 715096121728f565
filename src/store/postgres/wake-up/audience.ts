import type { Engine } from '../engine.ts';

/** A server that listens to commits says so this often. */
export const SAID_EVERY_MS = 5000;
/** Not heard of for so long, it listens no more. */
const FORGOTTEN_MS = 3 * SAID_EVERY_MS + 1000;
/** Whoever listens has answered by then. */
const ANSWERED_MS = 3000;

/**
 * Whether any other server listens to commits: those who do say so now and then. Until it could have heard of all of them, a process
 * takes it that there is one. Where it is mistaken the other finds the commits by itself a moment later.
 */
export class Audience {
  readonly #engine: Engine;
  #until: number;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#until = engine.timers.monotonic() + FORGOTTEN_MS;
  }

  /** All were asked whether they listen, and the answers will be heard. */
  asked(): void {
    this.#until = this.#engine.timers.monotonic() + ANSWERED_MS;
  }

  /** One has said that it listens. */
  heard(): void {
    this.#until = this.#engine.timers.monotonic() + FORGOTTEN_MS;
  }

  get isThere(): boolean {
    return this.#engine.timers.monotonic() < this.#until;
  }
}
