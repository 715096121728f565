import type { Timers } from '../../src/store/timers.ts';
import type { Random } from './random.ts';

/** A process that may be frozen (SIGSTOP, a stalled machine) or dead; its timers then wait, or never fire. */
export class Life {
  dead = false;
  frozenUntil = 0;
  /** Was frozen, or its messages were lost, at some time: then its leases may have ended without its knowing. */
  disturbed = false;
}

interface Event {
  readonly at: number;
  readonly tie: number;
  readonly life: Life;
  call: (() => void) | null;
}

/** The one clock of a simulated world: time passes only from event to event. What is due together comes in random order. */
export class VirtualTime {
  now = 0;
  /** What the wall clock shows beyond `now`, milliseconds. */
  wallOffset = 1_750_000_000_000;
  readonly #random: Random;
  readonly #heap: Event[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  wall = (): number => this.now + this.wallOffset;

  timersOf(life: Life): Timers {
    return {
      monotonic: () => this.now,
      after: (ms, call) => {
        const event = this.#push(this.now + Math.max(0, ms), life, call);
        return () => {
          event.call = null;
        };
      },
      soon: call => {
        this.#push(this.now, life, call);
      },
    };
  }

  /** Lets time pass until `done` or until `until`. True if done. */
  async run(until: number, done: () => boolean): Promise<boolean> {
    for (;;) {
      await turn();
      if (done()) return true;
      const event = this.#pop();
      if (event === undefined || event.at > until) {
        if (event !== undefined) this.#insert(event);
        this.now = Math.max(this.now, until);
        return false;
      }
      this.now = Math.max(this.now, event.at);
      if (event.call === null || event.life.dead) continue;
      if (event.life.frozenUntil > this.now) this.#insert({ ...event, at: event.life.frozenUntil }, event);
      else event.call();
    }
  }

  #push(at: number, life: Life, call: () => void): Event {
    const event: Event = { at, tie: this.#random.next(), life, call };
    this.#insert(event);
    return event;
  }

  /** A binary heap by time. `original` is what a caller may still cancel. */
  #insert(event: Event, original?: Event): void {
    const kept: Event = original === undefined ? event : { ...event, call: () => original.call?.() };
    const heap = this.#heap;
    let index = heap.push(kept) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(heap[parent] as Event, kept)) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = kept;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      if (before(last, heap[child] as Event)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.tie <= b.tie);
}

/** Lets every promise that can go on go on. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
