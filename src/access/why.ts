import type { WhyView } from '../api/message.ts';
import type { Commit } from '../ledger/commit.ts';
import { addressOf, GROUP_ADDRESS } from '../message/address.ts';
import { awaitsApproval } from '../message/group/approval.ts';
import { partlyText } from '../message/group/tolerance.ts';
import { isGroup, type Json, type Message } from '../message/message.ts';
import { partlyOf } from '../message/parameters.ts';
import { isResting, statusOf } from '../message/status.ts';
import { stepLabel } from '../message/step-label.ts';
import { isoTime } from './message-view.ts';

/** What `why` is told of from: the message, its commits (newest first) and who serves what. */
export interface WhyFacts {
  readonly message: Message;
  readonly newestFirst: readonly Commit[];
  readonly children: readonly Message[];
  /** Addresses that living workers serve, and actions (`module action`) that they know. */
  readonly served: ReadonlySet<string>;
  readonly known: ReadonlySet<string>;
  /** Who served the message's address last. */
  readonly last: { readonly worker: string; readonly seen: number } | null;
  /** The host of the message's address; null if it has none. */
  readonly host?: {
    readonly name: string;
    readonly state: string;
    readonly reason: string;
    readonly since: string | null;
  } | null;
  readonly now: number;
}

type Placement = Pick<WhyView, 'host' | 'filters' | 'weighers' | 'candidates'> & { reason: string };

/** Why a message stands where it stands, and why its host was chosen or none was found. */
export function why(facts: WhyFacts): WhyView {
  const { message, now } = facts;
  const step = message.plan.steps[message.cursor];
  const placement = placementOf(facts.newestFirst);
  const waiting = waitingOf(facts);
  const { status } = statusOf(message, now);
  const standing = standingOf(facts, status, waiting);
  return {
    msgid: message.msgid,
    status,
    step: step === undefined ? null : stepLabel(step),
    host: placement?.host ?? null,
    filters: placement?.filters ?? [],
    weighers: placement?.weighers ?? [],
    candidates: placement?.candidates ?? [],
    // What found no host says so already.
    reason:
      placement === null || standing.endsWith(placement.reason)
        ? standing
        : `${standing}. Placement: ${placement.reason}`,
    waiting,
  };
}

function waitingOf({ message, served, known, last, now }: WhyFacts): WhyView['waiting'] {
  if (isResting(message.phase)) return null;
  const address = addressOf(message, message.plan);
  const step = message.plan.steps[message.cursor];
  const isKnown = step === undefined || isGroup(step) || known.has(`${step.module} ${step.action}`);
  const isServed = address !== null && (address === GROUP_ADDRESS || (served.has(address) && isKnown));
  const leased = message.leaseUntil !== null && message.leaseUntil > now;
  return {
    address,
    served: isServed,
    since: isoTime(message.updated),
    lastServed: isServed || last === null ? null : { worker: last.worker, seen: isoTime(last.seen) },
    until: message.readyAt > now ? isoTime(message.readyAt) : null,
    worker: leased ? message.worker : null,
  };
}

function standingOf(facts: WhyFacts, status: WhyView['status'], waiting: WhyView['waiting']): string {
  const { message, newestFirst, children } = facts;
  const step = message.plan.steps[message.cursor];
  const label = step === undefined ? 'the end' : stepLabel(step);
  const verb = message.mode === 'rollback' ? 'undoing' : 'doing';
  switch (status) {
    case 'done':
      return doneAs(message);
    case 'rolled_back':
      return `Rolled back (${message.cause ?? 'failed'})${message.error ? `: ${message.error.reason}` : ''}`;
    case 'parked':
      return `Parked: undoing ${label} failed for good: ${message.undoError?.reason ?? 'unknown'}. Decide with \`coax resolve ${message.msgid} retry|skip|edit|undone\``;
    case 'running':
      return `Worker ${message.worker} is ${verb} ${label}`;
    case 'waiting': {
      if (awaitsApproval(message))
        return `Waits for a person to approve or reject: \`coax approve ${message.msgid}\``;
      if (message.phase === 'waiting') {
        const open = children.filter(child => !isResting(child.phase)).map(({ msgid }) => msgid);
        return `Waits for ${open.length} of its branches: ${open.slice(0, 10).join(', ')}${open.length > 10 ? ' …' : ''}`;
      }
      // It was put off since the worker that had it does not know the action.
      if (waiting?.served === false && message.attempt === 0) return unserved(facts, waiting, label);
      const last = newestFirst.find(commit => commit.outcome === 'retry');
      return `${label} is tried again at ${waiting?.until}${last?.error ? `: the last attempt failed, ${last.error.reason}` : ''}`;
    }
    default:
      return waiting?.served === false
        ? unserved(facts, waiting, label)
        : `Waits for a free worker at ${waiting?.address} to take ${label}`;
  }
}

function doneAs(message: Message): string {
  const groups = message.plan.steps.flatMap((step, index) => {
    const partly = partlyOf(message, index);
    return partly === null ? [] : [`${stepLabel(step)}, step ${index}: ${partlyText(partly)}`];
  });
  return groups.length === 0
    ? 'Done: every step did its work'
    : `Done, but not all of it: ${groups.join('; ')}`;
}

function unserved(
  { served, host }: WhyFacts,
  waiting: NonNullable<WhyView['waiting']>,
  label: string,
): string {
  const { address, since, lastServed } = waiting;
  if (host?.state === 'down') {
    const reason = host.reason ? ` (${host.reason})` : '';
    return `${label} waits for host ${host.name}, which is down${host.since ? ` since ${host.since}` : ''}${reason}; it goes on when the host is back, or walks back once that is declared lost: \`coax host lost ${host.name}\``;
  }
  if (address !== null && served.has(address))
    return `Nobody can take ${label}: ${addressText(address)} is served, but no worker there knows the action ${label}; it waits since ${since}`;
  const last =
    lastServed === null ? 'never seen' : `last seen ${lastServed.seen} at worker ${lastServed.worker}`;
  return `Nobody can take ${label}: ${addressText(address ?? '')} is served by no worker; ${last}; it waits since ${since}`;
}

/** A module, or a module at a host, in words. */
export function addressText(address: string): string {
  const [module, host] = address.split('@');
  return host === undefined ? `module ${module}` : `module ${module} at host ${host}`;
}

/** The newest commit in which a host was chosen, or none was found. */
function placementOf(newestFirst: readonly Commit[]): Placement | null {
  for (const commit of newestFirst) {
    const placement = readPlacement(commit.detail) ?? readPlacement(commit.error?.detail);
    if (placement !== null) return placement;
  }
  return null;
}

function readPlacement(detail: Json | undefined): Placement | null {
  if (typeof detail !== 'object' || detail === null || !('filters' in detail)) return null;
  const given = detail as unknown as Partial<Placement>;
  return {
    host: typeof given.host === 'string' ? given.host : null,
    filters: Array.isArray(given.filters) ? given.filters : [],
    weighers: Array.isArray(given.weighers) ? given.weighers : [],
    candidates: Array.isArray(given.candidates) ? given.candidates : [],
    reason: typeof given.reason === 'string' ? given.reason : 'no reason was kept',
  };
}
