import { sql } from 'kysely';
import type { Channel, Claim } from '../../channel/channel.ts';
import { addressOf, hostOf } from '../../message/address.ts';
import { type ActionStep, isGroup, type Message, type Parameters } from '../../message/message.ts';
import { retryable, type StepOutcome, terminal } from '../../message/outcome.ts';
import { parametersToUndo } from '../../message/parameters.ts';
import { stepLabel } from '../../message/step-label.ts';
import type { Store } from '../../store/store.ts';
import { REAL_TIMERS, type Timers } from '../../store/timers.ts';
import type { Tx } from '../../store/tx.ts';
import { guestUuid } from '../compute/guest-uuid.ts';
import { owe } from '../owed/owed.ts';
import { cloudTables } from '../schema.ts';
import { hostNamed } from './host-state.ts';

/** How often it is looked which hosts are lost. */
const LOOK_MS = 500;
const BATCH = 64;
const LEASE_MS = 30_000;

export interface LostHostsOptions {
  readonly store: Pick<Store, 'reader' | 'now'>;
  readonly channel: Channel;
  /** Name to claim under, unique among living workers. */
  readonly name: string;
  readonly installation: string;
  /** Modules whose steps may be addressed to a host. */
  modules(): readonly string[];
  onFault(error: unknown): void;
  readonly timers?: Timers;
}

/**
 * Stands in for hosts that were declared lost: takes every message whose step is addressed to one. A step to do fails
 * there for good, so its message walks back; a guest to delete is written down as owed, and the walk goes on, so that
 * claim, address and name are given back. What nobody can know to be undone parks the message for a person.
 */
export class LostHosts {
  readonly #options: LostHostsOptions;
  readonly #timers: Timers;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(options: LostHostsOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { channel, name, store, modules, onFault } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        const lost = await lostHosts(store);
        const addresses = lost.flatMap(host => modules().map(module => `${module}@${host}`));
        if (addresses.length === 0) await this.#pause();
        else {
          const wish = { worker: name, addresses, limit: BATCH, leaseMs: LEASE_MS, waitMs: LOOK_MS };
          const claims = await channel.claim(wish, this.#stop.signal);
          await Promise.all(claims.map(claim => this.#end(claim)));
        }
      } catch (error) {
        onFault(error);
        await this.#pause();
      }
    }
  }

  async #end(claim: Claim): Promise<void> {
    const { channel, store, installation } = this.#options;
    const now = store.now();
    const outcome = (tx: Tx): Promise<StepOutcome> => standIn(tx, claim.message, installation);
    await channel.finish({ claim, outcome, code: null, started: now, finished: now });
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const { signal } = this.#stop;
      const end = (): void => {
        stop();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const stop = this.#timers.after(LOOK_MS, end);
      signal.addEventListener('abort', end);
    });
  }
}

/** Names of the hosts that are declared lost. */
export async function lostHosts({ reader }: Pick<Store, 'reader'>): Promise<string[]> {
  const rows = await cloudTables(reader)
    .selectFrom('hosts')
    .select('name')
    // As it is written in the index, which holds nothing else.
    .where('state', '=', sql.lit('lost'))
    .orderBy('name')
    .execute();
  return rows.map(row => row.name);
}

/** What the step at the cursor comes to, its host being lost. */
async function standIn(tx: Tx, message: Message, installation: string): Promise<StepOutcome> {
  const step = message.plan.steps[message.cursor];
  const host = hostOf(addressOf(message, message.plan) ?? '');
  if (step === undefined || isGroup(step) || host === null)
    return terminal('COAX_INTERNAL', 'the cursor is not at a step of a host');
  const { state, reason } = await hostNamed(tx, host);
  const never = <Outcome extends StepOutcome>(outcome: Outcome): Outcome =>
    'error' in outcome ? { ...outcome, error: { ...outcome.error, begun: false } } : outcome;
  // It came back between the claim and now: its own worker does the step.
  if (state !== 'lost') return never(retryable('COAX_HOST_LOST', `host ${host} is back`, 100));
  const uuid = guestLeft(message, step, installation);
  if (uuid !== null) {
    const name = parametersToUndo(message, message.cursor).name ?? '';
    const why = { step: message.cursor, action: stepLabel(step) };
    await owe(tx, { host, uuid, name: String(name), msgid: message.msgid, detail: why });
    return { kind: 'ok', set: {}, detail: { owed: 'delete_guest', host, uuid } };
  }
  if (isDoneByLoss(message, step)) return { kind: 'ok', set: {}, detail: { lost: host } };
  const lost = terminal('COAX_HOST_LOST', `host ${host} is lost: ${reason}`, { host });
  return message.mode === 'normal' ? never(lost) : lost;
}

/** The guest that the step leaves at the host and that must not be there; null when it leaves none. */
function guestLeft(message: Message, step: ActionStep, installation: string): string | null {
  if (step.module !== 'compute') return null;
  const { uuid }: Parameters = parametersToUndo(message, message.cursor);
  const given = typeof uuid === 'string' ? uuid : null;
  if (message.mode === 'normal') return step.action === 'delete_guest' ? given : null;
  if (step.action === 'create_vm') return guestUuid(installation, `${message.msgid}.${message.cursor}`);
  return step.action === 'put_up' ? given : null;
}

/** A guest on a lost host does not run; whether it should, its reconciliation sees when the host is back. */
function isDoneByLoss(message: Message, step: ActionStep): boolean {
  if (step.module !== 'compute') return false;
  return message.mode === 'rollback' || step.action === 'take_down';
}
