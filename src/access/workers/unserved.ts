import type { CheckView } from '../../api/system.ts';
import { addressOf, GROUP_ADDRESS } from '../../message/address.ts';
import { isGroup, type Message } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import type { WorkerRecord } from '../../store/workers.ts';
import { isoTime } from '../message-view.ts';
import type { Workers } from '../services.ts';
import { addressText } from '../why.ts';

/** Messages that are looked at for each status. */
const LOOKED_AT = 1000;

/** `module action` for each action that a worker knows. */
export function actionsOf({ about }: WorkerRecord): string[] {
  return Object.entries(about.modules).flatMap(([module, actions]) =>
    Object.keys(actions).map(action => `${module} ${action}`),
  );
}

/** "last seen …": who served that address last. */
async function lastSeenText(workers: Workers, address: string): Promise<string> {
  const last = await workers.lastSeen(address);
  return last === null ? 'never seen' : `last seen ${isoTime(last.seen)} at worker ${last.worker}`;
}

interface Waiting {
  readonly msgids: number[];
  /** Since when the longest has stood there. */
  since: number;
}

/** What messages wait for that no living worker serves or knows: a check that is not ok for each, or one that is. */
export async function unservedChecks(store: Store, workers: Workers): Promise<CheckView[]> {
  const living = (await workers.list()).filter(({ about }) => !about.draining);
  const served = new Set(living.flatMap(({ about }) => about.addresses));
  const known = new Set(living.flatMap(actionsOf));
  const { addresses, actions } = await whatWaits(store, served, known);
  // One that thousands of others stand before.
  for (const address of await store.readyAddresses())
    if (address !== GROUP_ADDRESS && !served.has(address) && !addresses.has(address))
      addresses.set(address, { msgids: [], since: store.now() });
  const checks: CheckView[] = [];
  for (const [address, waiting] of addresses) {
    const seen = await lastSeenText(workers, address);
    checks.push({
      name: addressText(address),
      ok: false,
      about: `served by no worker (${seen}); ${waitingText(waiting)}`,
      fix: 'start a worker that has it: `coax worker --modules DIR`',
    });
  }
  for (const [action, waiting] of actions) {
    checks.push({
      name: `action ${action}`,
      ok: false,
      about: `known to no worker; ${waitingText(waiting)}`,
      fix: 'start a worker whose module has that action; `coax workers` shows who has what code',
    });
  }
  if (checks.length > 0) return checks;
  return [{ name: 'workers', ok: true, about: `${living.length} there; somebody serves all that waits` }];
}

function waitingText({ msgids, since }: Waiting): string {
  if (msgids.length === 0) return 'messages wait for it';
  const named = `${msgids.slice(0, 5).join(', ')}${msgids.length > 5 ? ' …' : ''}`;
  return `${msgids.length >= LOOKED_AT ? 'many' : msgids.length} wait for it since ${isoTime(since)}: ${named}`;
}

async function whatWaits(
  store: Store,
  served: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Promise<Record<'addresses' | 'actions', Map<string, Waiting>>> {
  const addresses = new Map<string, Waiting>();
  const actions = new Map<string, Waiting>();
  const note = (map: Map<string, Waiting>, name: string, { msgid, updated }: Message): void => {
    const waiting = map.get(name) ?? { msgids: [], since: updated };
    waiting.msgids.push(msgid);
    waiting.since = Math.min(waiting.since, updated);
    map.set(name, waiting);
  };
  for (const status of ['queued', 'waiting'] as const) {
    for (const message of await store.messages({ status, withChildren: true, limit: LOOKED_AT })) {
      const step = message.plan.steps[message.cursor];
      const address = addressOf(message, message.plan);
      if (step === undefined || isGroup(step) || address === null) continue;
      const action = `${step.module} ${step.action}`;
      if (!served.has(address)) note(addresses, address, message);
      else if (!known.has(action)) note(actions, action, message);
    }
  }
  return { addresses, actions };
}
