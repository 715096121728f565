import { invariant } from '../../errors/coax-error.ts';
import { commitId } from '../../ledger/commit.ts';
import { canonical } from '../../message/canonical.ts';
import type { Plan } from '../../message/message.ts';
import { textArray } from './link/binary-array.ts';
import type { Link } from './link/link.ts';

const PLANS_MAX = 10_000;

export interface KnownPlan {
  readonly hash: string;
  readonly body: string;
}

/** Plans by their hash, kept in memory: content-addressed, so what was read once stays true. */
export class PlanBook {
  readonly #hashes = new WeakMap<Plan, KnownPlan>();
  readonly #plans = new Map<string, Plan>();
  /** Hashes that are durable in the database. */
  readonly #kept = new Set<string>();

  hashOf(plan: Plan): KnownPlan {
    let known = this.#hashes.get(plan);
    if (known === undefined) {
      const body = canonical(plan);
      known = { hash: commitId(body), body };
      this.#hashes.set(plan, known);
    }
    this.#remember(known.hash, plan);
    return known;
  }

  isKept(hash: string): boolean {
    return this.#kept.has(hash);
  }

  /** Told when the transaction that wrote them is durable. */
  kept(hashes: Iterable<string>): void {
    if (this.#kept.size > PLANS_MAX) this.#kept.clear();
    for (const hash of hashes) this.#kept.add(hash);
  }

  /** The plan of a row whose plans were loaded. */
  planOf = (hash: string): Plan => {
    const plan = this.#plans.get(hash);
    invariant(plan !== undefined, `plan ${hash} is not in the store`);
    return plan;
  };

  /** Reads the plans of these rows that are not in memory yet. */
  async load(link: Link, rows: readonly { plan: string }[]): Promise<void> {
    const missing = new Set<string>();
    for (const { plan } of rows) if (!this.#plans.has(plan)) missing.add(plan);
    if (missing.size === 0) return;
    const found = await link.run<KnownPlan>('SELECT hash, body FROM plans WHERE hash = ANY ($1::text[])', [
      textArray([...missing]),
    ]);
    for (const { hash, body } of found) {
      const plan = JSON.parse(body) as Plan;
      this.#hashes.set(plan, { hash, body });
      this.#remember(hash, plan);
    }
    this.kept(found.map(({ hash }) => hash));
  }

  #remember(hash: string, plan: Plan): void {
    if (this.#plans.has(hash)) return;
    // The oldest goes: a batch that is being read needs the newest.
    if (this.#plans.size >= PLANS_MAX) this.#plans.delete(this.#plans.keys().next().value as string);
    this.#plans.set(hash, plan);
  }
}
