import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transition } from '../../channel/transition.ts';
import { RETRY_DEFAULT } from '../../message/backoff.ts';
import type { Parameters, Plan } from '../../message/message.ts';
import type { Outcome } from '../../message/outcome.ts';
import type {
  Capabilities,
  Claim,
  NextState,
  Store,
  Submission,
  Write,
  WriteAnswer,
} from '../../store/store.ts';

/** How a suite gets at one engine. */
export interface StoreFactory {
  /** What the engine must say of itself. */
  readonly capabilities: Capabilities;
  /** Opens the store that belongs to that folder: the same store for the same folder. */
  open(dir: string): Promise<Store>;
}

/** Runs `test` on a store of its own. */
export async function withStore(
  factory: StoreFactory,
  test: (store: Store, dir: string) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-store-'));
  const store = await factory.open(dir);
  try {
    await test(store, dir);
  } finally {
    await store.close();
    rmSync(dir, { recursive: true });
  }
}

/** A plan of `module action` steps. */
export function planOfSteps(...steps: readonly string[]): Plan {
  return {
    steps: steps.map(text => {
      const [module = '', action = ''] = text.split(' ');
      return { module, action, timeoutMs: 1000, retry: RETRY_DEFAULT };
    }),
  };
}

export const TWO_STEPS: Plan = planOfSteps('net take', 'disk make');

export function submission(parameters: Parameters = {}, more: Partial<Submission> = {}): Submission {
  return { flow: 'test', plan: TWO_STEPS, parameters, actor: 'ann', ...more };
}

export async function submitOne(
  store: Store,
  parameters: Parameters = {},
  more: Partial<Submission> = {},
): Promise<number> {
  const [accepted] = await store.submit([submission(parameters, more)]);
  if (accepted === undefined) throw new Error('no answer');
  return accepted.msgid;
}

export function claimAt(
  store: Store,
  address: string,
  limit = 1,
  leaseMs = 60_000,
  worker = 'w1',
): Promise<readonly Claim[]> {
  return store.claim({ worker, addresses: [address], limit, leaseMs });
}

export async function claimOne(
  store: Store,
  address: string,
  leaseMs = 60_000,
  worker = 'w1',
): Promise<Claim> {
  const [claim] = await claimAt(store, address, 1, leaseMs, worker);
  if (claim === undefined) throw new Error(`nothing to claim at ${address}`);
  return claim;
}

export function nextBy(claim: Claim, outcome: Outcome, now: number, random = 0): NextState {
  return transition(
    claim.message,
    outcome,
    { worker: 'w1', code: null, actor: 'coax', started: now, finished: now },
    random,
  );
}

/** A write of one outcome; `more` makes it an unusual one. */
export function writeOf(store: Store, claim: Claim, outcome: Outcome, more: Partial<Write> = {}): Write {
  return {
    claim,
    obeys: false,
    keep: () => false,
    inTransaction: false,
    next: () => nextBy(claim, outcome, store.now()),
    ...more,
  };
}

export function finish(
  store: Store,
  claim: Claim,
  outcome: Outcome,
  more: Partial<Write> = {},
): Promise<WriteAnswer> {
  return store.write(writeOf(store, claim, outcome, more));
}

/** Takes a message of one flow to its end, step by step. */
export async function finishAll(store: Store, address: string, outcome: Outcome): Promise<void> {
  for (const claim of await claimAt(store, address, 100)) await finish(store, claim, outcome);
}
