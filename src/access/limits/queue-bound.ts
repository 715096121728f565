import { limitsOf } from '../../cloud/quota/quotas.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import { DEFAULT_PROJECT } from '../../message/limits.ts';
import type { Store, Submission } from '../../store/store.ts';

/** What is known of a queue stays good for so long. */
const GOOD_MS = 5000;
/** A queue that is full is looked at again no sooner. */
const AGAIN_MS = 250;
const RETRY_MS = 1000;
const PROJECTS_MAX = 10_000;

interface Known {
  readonly bound: number;
  readonly at: number;
  readonly counted: number;
  /** Accepted here since. */
  added: number;
}

/**
 * Bounds how many messages wait for a worker: of the whole installation, and of each project, by its quota or else half of
 * that. The queue is counted now and then, and what was accepted here since is added: so servers beside each other may go over
 * the bound by what each accepts within five seconds.
 */
export class QueueBound {
  readonly #store: Pick<Store, 'queued' | 'reader' | 'now'>;
  readonly #most: number;
  readonly #now: () => number;
  readonly #known = new Map<string | null, Known>();

  /** `most`: of the whole installation. `now`: monotonic milliseconds. */
  constructor(
    store: Pick<Store, 'queued' | 'reader' | 'now'>,
    most: number,
    now: () => number = () => performance.now(),
  ) {
    this.#store = store;
    this.#most = most;
    this.#now = now;
  }

  /**
   * Lets so many messages of a project come. A promise only where something must be counted first. Errors: COAX_RATE,
   * COAX_MESSAGE_TOO_LARGE.
   */
  admit(project: string, count: number): Promise<void> | undefined {
    const all = this.#roomFor(null, count);
    if (all instanceof Promise) return this.#admitWhenCounted(all, project, count);
    const own = this.#roomFor(project, count);
    if (own instanceof Promise) return own.then(counted => add(count, all, counted));
    add(count, all, own);
    return undefined;
  }

  async #admitWhenCounted(counting: Promise<Known>, project: string, count: number): Promise<void> {
    const all = await counting;
    add(count, all, await this.#roomFor(project, count));
  }

  /** The same for many of several projects. */
  async admitAll(submissions: readonly Submission[]): Promise<void> {
    const byProject = Map.groupBy(submissions, ({ project = DEFAULT_PROJECT }) => project);
    for (const [project, of] of byProject) await this.admit(project, of.length);
  }

  #roomFor(project: string | null, count: number): Known | Promise<Known> {
    const known = this.#known.get(project);
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#now() - known.at;
    const isFull = known !== undefined && known.counted + known.added + count > known.bound;
    return known === undefined || age > GOOD_MS || (isFull && age > AGAIN_MS)
      ? this.#lookAgain(project, count)
      : withRoom(known, project, count);
  }

  async #lookAgain(project: string | null, count: number): Promise<Known> {
    const known = await this.#count(project);
    if (this.#known.size > PROJECTS_MAX) this.#known.clear();
    this.#known.set(project, known);
    return withRoom(known, project, count);
  }

  async #count(project: string | null): Promise<Known> {
    const at = this.#now();
    let bound = this.#most;
    if (project !== null) {
      const limits = await limitsOf(this.#store, project);
      bound = Math.min(bound, limits.queued ?? Math.ceil(bound / 2));
    }
    const counted = await this.#store.queued(bound, project ?? undefined);
    return { bound, at, counted, added: 0 };
  }
}

/** Errors: COAX_RATE when it has none now, COAX_MESSAGE_TOO_LARGE when it never has so much. */
function withRoom(known: Known, project: string | null, count: number): Known {
  if (known.counted + known.added + count <= known.bound) return known;
  const whose = project === null ? 'here' : `of project ${project}`;
  if (count > known.bound) {
    const reason = `of ${count} messages at once only ${known.bound} ${whose} may wait for a worker`;
    throw new CoaxError('COAX_MESSAGE_TOO_LARGE', reason, { hint: 'Send fewer messages at once.' });
  }
  throw new CoaxError('COAX_RATE', `${known.bound} messages ${whose} may wait for a worker, and do`, {
    retryAfterMs: RETRY_MS,
  });
}

function add(count: number, ...queues: readonly Known[]): void {
  for (const known of queues) known.added += count;
}
