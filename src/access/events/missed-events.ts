import { CoaxError } from '../../errors/coax-error.ts';
import { commitsBefore } from '../../store/rows.ts';
import type { CommitEvent, Store } from '../../store/store.ts';
import type { EventHub, Told } from './event-hub.ts';

/** How far a client has heard: of a server's run its place there, and when that was. */
export interface Heard {
  readonly epoch: string;
  readonly position: number;
  /** ms since 1970; null in ids of older servers. */
  readonly at: number | null;
}

/** What a client missed, oldest first, with the id of each. */
export interface Missed {
  readonly told: readonly Told[];
  /** Of who has heard all of it. */
  readonly last: string;
}

/**
 * A commit has its time before it is durable, and servers hear of each other's a moment later. So far back what may have been
 * told already is told once more.
 */
const MARGIN_MS = 10_000;
/** More than so many commits are not told again: who was away for so long reads anew. */
const COMMITS_MAX = 2000;
const PAGE = 500;

/** Reads an id of the stream of all events. Errors: COAX_MESSAGE_INVALID; `where` names what it came in. */
export function readHeard(id: string | undefined, where: string): Heard | null {
  if (id === undefined || id === '') return null;
  const match = /^([0-9a-z]{1,16})-(\d{1,15})(?:-([0-9a-z]{1,9}))?$/.exec(id);
  if (match === null) throw notOurs(where);
  const [, epoch = '', position, at] = match;
  return { epoch, position: Number(position), at: at === undefined ? null : Number.parseInt(at, 36) };
}

export function notOurs(where: string): CoaxError {
  return new CoaxError('COAX_MESSAGE_INVALID', `${where} is none that this stream gave`, {
    where,
    hint: 'Leave it out to begin anew.',
  });
}

/**
 * What came after that, null when not all of it can be told: of this server's own memory, or, where another server or another run gave the id, of the store. There
 * the margin makes some of it come twice; each commit has its id.
 */
export async function missedSince(hub: EventHub, store: Store, heard: Heard): Promise<Missed | null> {
  const { epoch, position, at } = heard;
  const own = epoch === hub.epoch ? hub.since(position) : null;
  const last = hub.idNow();
  const told = await own;
  if (told !== null) return { told, last };
  if (at === null) return null;
  const events = await writtenSince(store, at - MARGIN_MS);
  // Whoever is cut off in the middle of this begins it again; with its last event it is as far as this server.
  const begun = `${epoch}-${position}-${at.toString(36)}`;
  const idAt = (i: number): string => (i + 1 === events?.length ? last : begun);
  return events && { told: events.map((event, i) => ({ event, id: idAt(i) })), last };
}

/** By the store: the commits since then, each with its message as it is now; null when there are too many. */
async function writtenSince(store: Store, since: number): Promise<CommitEvent[] | null> {
  const found: CommitEvent['commits'][number][] = [];
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await commitsBefore(store.reader, before, PAGE);
    const newer = page.filter(({ commit }) => commit.finished >= since);
    found.push(...newer.map(({ commit }) => commit));
    if (found.length > COMMITS_MAX) return null;
    if (newer.length < page.length || page.length < PAGE) break;
    before = page.at(-1)!.pos;
  }
  const events: CommitEvent[] = [];
  for (const commit of found.reverse()) {
    const message = await store.message(commit.msgid);
    if (message !== null) events.push({ message, commits: [commit] });
  }
  return events;
}
