import { CoaxError } from '../../../errors/coax-error.ts';
import type { Engine } from '../engine.ts';
import type { Link } from '../link/link.ts';

/** How long a name may still be held by the connection of a process that has just ended. */
const PATIENCE_MS = 5000;
const AGAIN_MS = 100;
/** After a restart of the database everybody gets so long to take the own name again before another is taken for dead. */
const CALM_MS = 2000;
/** An idle connection is looked after so often: it may be dead without a sign. */
const LOOK_MS = 5000;

const KEY = 'hashtextextended($1::text || name, 7411)';
const HOLD = `SELECT pg_try_advisory_lock(${KEY}) AS held FROM (SELECT $2::text AS name) n`;
/** Shared, and for this statement only: those who look do not see each other. */
const DEAD = `SELECT name FROM unnest($2::text[]) AS n (name) WHERE pg_try_advisory_xact_lock_shared(${KEY})`;

/**
 * Names that this process holds, as advisory locks of one session: when the process dies its connection closes, and the
 * database lets go of them at once. A process whose machine vanishes is found out by the database's keep-alives (25 s).
 */
export class LifeLine {
  readonly #engine: Engine;
  /** Tells the servers of this database and schema from others in the same database. */
  readonly #scope: string;
  readonly #names = new Set<string>();
  #link: Link | null = null;
  /** Since when every name is held, by the monotonic clock. */
  #since = Number.POSITIVE_INFINITY;
  #closed = false;
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;

  constructor(engine: Engine, scope: string) {
    this.#engine = engine;
    this.#scope = `${scope} `;
  }

  async hold(name: string): Promise<void> {
    const link = this.#link ?? (await this.#connect());
    const until = this.#engine.timers.monotonic() + PATIENCE_MS;
    while (!(await this.#take(link, name))) {
      if (this.#engine.timers.monotonic() > until)
        throw new CoaxError('COAX_WORKER_NAME', `another process lives under the name ${name}`, {
          where: this.#engine.where,
        });
      await this.#engine.pause(AGAIN_MS);
    }
    this.#names.add(name);
    this.#since = this.#engine.timers.monotonic();
    this.#loop ??= this.#run(link);
  }

  async dead(names: readonly string[]): Promise<readonly string[]> {
    const others = names.filter(name => !this.#names.has(name));
    if (others.length === 0 || this.#engine.timers.monotonic() - this.#since < CALM_MS) return [];
    return this.#engine.read(async link => {
      const { rows } = await link.once(DEAD, [this.#scope, others]);
      return (rows as { name: string }[]).map(({ name }) => name);
    });
  }

  async #connect(): Promise<Link> {
    try {
      this.#link = await this.#engine.connect('hot');
      return this.#link;
    } catch (error) {
      throw this.#engine.fault(error);
    }
  }

  async #take(link: Link, name: string): Promise<boolean> {
    try {
      const { rows } = await link.once(HOLD, [this.#scope, name]);
      return (rows[0] as { held: boolean }).held;
    } catch (error) {
      throw this.#engine.fault(error);
    }
  }

  async #run(first: Link): Promise<void> {
    let link: Link | null = first;
    while (!this.#closed) {
      try {
        link ??= await this.#takeAgain();
        await this.#look(link);
      } catch {
        // Made again below; who writes hears of the trouble.
      }
      this.#since = Number.POSITIVE_INFINITY;
      link?.destroy();
      link = null;
      if (!this.#closed) await this.#sleep(AGAIN_MS);
    }
  }

  async #takeAgain(): Promise<Link> {
    const link = await this.#connect();
    for (const name of this.#names) {
      while (!this.#closed && !(await this.#take(link, name))) await this.#sleep(AGAIN_MS);
    }
    this.#since = this.#engine.timers.monotonic();
    return link;
  }

  /** Until the connection ends. */
  async #look(link: Link): Promise<void> {
    link.onEnd(() => this.#wake?.());
    while (!link.broken && !this.#closed) {
      await this.#sleep(LOOK_MS);
      if (link.broken || this.#closed) break;
      await this.#engine.look(link, () => link.once('SELECT 1'));
    }
    await link.close();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const stop = this.#engine.timers.after(ms, resolve, true);
      this.#wake = () => {
        stop();
        resolve();
      };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#loop;
    await this.#link?.close();
  }
}
