import type { HelloBody } from '../../api/channel.ts';
import type { ClaimRef } from '../../channel/channel.ts';
import type { WorkerNow } from '../../store/workers.ts';

interface Entry {
  readonly name: string;
  readonly since: number;
  addresses: readonly string[];
  hello: HelloBody | null;
  seen: number;
  readonly claims: Map<number, number>;
  /** Open sessions: while there is one, the worker lives. */
  sessions: number;
}

/** A worker that has not been heard of for so long, and holds no session, is forgotten. */
const FORGET_MS = 60_000;
const WORKERS_MAX = 10_000;

/** What the API knows of workers that speak over HTTP: a view for people. The store alone decides who holds what. */
export class HttpWorkers {
  readonly #entries = new Map<string, Entry>();
  readonly #changed: () => void;

  /** `changed`: told when one comes, goes, or serves something else. */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  seen(worker: string, now: number, addresses?: readonly string[]): Entry {
    let entry = this.#entries.get(worker);
    if (entry === undefined) {
      if (this.#entries.size >= WORKERS_MAX) this.#forget(now);
      entry = {
        name: worker,
        since: now,
        addresses: [],
        hello: null,
        seen: now,
        claims: new Map(),
        sessions: 0,
      };
      this.#entries.set(worker, entry);
      this.#changed();
    }
    entry.seen = now;
    if (addresses !== undefined && String(entry.addresses) !== String(addresses)) {
      entry.addresses = addresses;
      this.#changed();
    }
    return entry;
  }

  /** What the worker tells of itself. */
  hello(hello: HelloBody, now: number): void {
    this.seen(hello.worker, now).hello = hello;
    this.#changed();
  }

  gave(worker: string, claims: readonly ClaimRef[]): void {
    const entry = this.#entries.get(worker);
    if (entry !== undefined) for (const { msgid, fence } of claims) entry.claims.set(msgid, fence);
  }

  /** The claim is over. */
  took(msgid: number, fence: number): void {
    for (const { claims } of this.#entries.values()) {
      if (claims.get(msgid) === fence && claims.delete(msgid)) return;
    }
  }

  sessionBegins(worker: string, now: number): void {
    const entry = this.seen(worker, now);
    entry.sessions += 1;
    // What was told of it before it had one is corrected soon.
    if (entry.sessions === 1) this.#changed();
  }

  /** True when it was the worker's last: it is taken for dead, and forgotten. */
  sessionEnds(worker: string): boolean {
    const entry = this.#entries.get(worker);
    if (entry === undefined || --entry.sessions > 0) return false;
    this.#entries.delete(worker);
    this.#changed();
    return true;
  }

  now(now: number): WorkerNow[] {
    this.#forget(now);
    return [...this.#entries.values()].map(({ name, since, addresses, hello, claims, sessions }) => ({
      name,
      since,
      steps: claims.size,
      about: {
        role: 'http' as const,
        host: hello?.host ?? null,
        pid: hello?.pid ?? null,
        version: hello?.version ?? null,
        addresses: addresses.length > 0 ? addresses : Object.keys(hello?.modules ?? {}),
        modules: hello?.modules ?? {},
        draining: false,
        session: sessions > 0,
      },
    }));
  }

  #forget(now: number): void {
    for (const [worker, { seen, sessions }] of this.#entries) {
      if (sessions === 0 && now - seen > FORGET_MS) this.#entries.delete(worker);
    }
  }
}
