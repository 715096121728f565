import type { WorkerView } from '../api/system.ts';
import type { ClaimRef } from '../channel/channel.ts';
import { isoTime } from './message-view.ts';

interface Entry {
  addresses: readonly string[];
  seen: number;
  readonly claims: Map<number, number>;
  /** Open sessions: while there is one, the worker lives. */
  sessions: number;
}

/** A worker that has not been heard of for so long, and holds no session, is forgotten. */
const FORGET_MS = 120_000;
const WORKERS_MAX = 10_000;

/** What the API knows of workers that speak over HTTP: a view for people. The store alone decides who holds what. */
export class HttpWorkers {
  readonly #entries = new Map<string, Entry>();

  seen(worker: string, now: number, addresses?: readonly string[]): Entry {
    let entry = this.#entries.get(worker);
    if (entry === undefined) {
      if (this.#entries.size >= WORKERS_MAX) this.#forget(now);
      entry = { addresses: [], seen: now, claims: new Map(), sessions: 0 };
      this.#entries.set(worker, entry);
    }
    entry.seen = now;
    if (addresses !== undefined) entry.addresses = addresses;
    return entry;
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
    this.seen(worker, now).sessions += 1;
  }

  /** True when it was the worker's last: it is taken for dead, and forgotten. */
  sessionEnds(worker: string): boolean {
    const entry = this.#entries.get(worker);
    if (entry === undefined || --entry.sessions > 0) return false;
    this.#entries.delete(worker);
    return true;
  }

  get addresses(): string[] {
    return [...this.#entries.values()].flatMap(entry => entry.addresses);
  }

  views(now: number): WorkerView[] {
    this.#forget(now);
    return [...this.#entries].map(([name, { addresses, claims, seen }]) => ({
      name,
      kind: 'http' as const,
      addresses: [...addresses],
      claims: claims.size,
      seen: isoTime(seen),
    }));
  }

  #forget(now: number): void {
    for (const [worker, { seen, sessions }] of this.#entries) {
      if (sessions === 0 && now - seen > FORGET_MS) this.#entries.delete(worker);
    }
  }
}
