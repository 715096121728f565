import type { Parameters } from '../../message/message.ts';
import type { PlacementClaim } from '../../placement/claim.ts';
import { claimOf, type Fleet } from '../../placement/fleet.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import type { Allocation, StoreTx } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { allocate, allocationOf, changeDetail, type Holder, takeOut } from '../allocations.ts';
import { claimDetail, claimOf as claimedRoomOf, claimKey } from '../resource/claim-detail.ts';
import type { FleetFeed } from '../resource/feed/fleet-feed.ts';
import { cloudTables } from '../schema.ts';
import { evict, type Standing, standingOf, type Victim } from './standing.ts';

/** Room that is being made for a request: kind of the allocation that its step holds until it has the room. */
const KIND = 'preemption';
/** Sets of victims that are tried for one request. */
const TRIES_MAX = 100;

/** Room that will be free on that host once those VMs are gone; or why none can be made. */
export type Making =
  | { readonly kind: 'making'; readonly host: string; readonly victims: readonly Victim[] }
  | { readonly kind: 'none'; readonly kept: readonly string[] };

const NONE: Making = { kind: 'none', kept: [] };

/**
 * Makes room for a request that no host fits: the messages of the least set of preemptible VMs are turned back, in this
 * transaction. What is already being made counts: VMs on their way out as room, and the requests that wait for it as claims. So two
 * requests together turn back no more than they need.
 */
export async function makeRoom(
  tx: StoreTx,
  feed: FleetFeed,
  holder: Holder,
  request: PlacementRequest,
): Promise<Making> {
  if (request.preemptible) return NONE;
  if ((await feed.exactly(tx)).preempt(request) === null && (await waiting(tx)).length === 0) return NONE;
  await oneAtATime(tx);
  const fleet = (await feed.exactly(tx)).branch();
  const key = claimKey(holder);
  const before = await waiting(tx);
  const own = before.find(each => each.key === key);
  const going = await onTheirWayOut(tx);
  for (const id of going.keys()) fleet.release(id);
  for (const other of before)
    if (other !== own) fleet.hold(claimedRoomOf(`${KIND}/${other.key}`, other.detail));

  const found = await findRoom(tx, fleet, request, going);
  if (found.kind === 'none') return found;
  const { host, evicted } = found;
  for (const { victim } of evicted) await evict(tx, victim, holder.msgid);
  const victims = [...evicted, ...(own ? victimsOf(own.detail) : []), ...found.coming];
  const all = [...new Map(victims.map(each => [each.id, each])).values()];
  const detail = {
    ...claimDetail({ ...found.claim, vm: '' }),
    claims: all.map(({ id }) => id),
    victims: all.map(({ victim }) => victim),
    step: holder.step,
  };
  if (own) await changeDetail(tx, KIND, key, detail);
  else await allocate(tx, KIND, key, holder, detail);
  return { kind: 'making', host, victims: all.map(({ victim }) => victim) };
}

interface Named {
  readonly id: string;
  readonly victim: Victim;
}

interface Room {
  readonly kind: 'making';
  readonly host: string;
  /** What the request will hold. */
  readonly claim: PlacementClaim;
  /** To be turned back, and on that host on their way out already. */
  readonly evicted: readonly Named[];
  readonly coming: readonly Named[];
}

/** Looks on the branch, which is of no use afterwards. */
async function findRoom(
  tx: StoreTx,
  fleet: Fleet,
  request: PlacementRequest,
  going: Map<string, Victim>,
): Promise<Room | Extract<Making, { kind: 'none' }>> {
  const claims = new Map([...fleet.claims()].map(claim => [claim.id, claim]));
  const standings = new Map<string, Standing>();
  const reasons: string[] = [];
  const evicted: Named[] = [];
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const choice = fleet.select(request);
    if (choice !== null) {
      const claim = claimOf(request, choice, '', '');
      const coming = [...going].map(([id, victim]) => ({ id, victim }));
      const here = coming.filter(({ id }) => claims.get(id)?.host === choice.host);
      return { kind: 'making', host: choice.host, claim, evicted, coming: here };
    }
    const wanted = fleet.preempt(request);
    if (wanted === null) break;
    const free: Named[] = [];
    for (const claim of wanted.victims) {
      const standing = standings.get(claim.id) ?? (await standingOf(tx, claim));
      standings.set(claim.id, standing);
      if (standing.kind === 'free') free.push({ id: claim.id, victim: standing.victim });
      else fleet.release(claim.id);
      if (standing.kind === 'coming') going.set(claim.id, standing.victim);
      if (standing.kind !== 'kept') continue;
      fleet.hold({ ...claim, preemptible: false });
      reasons.push(standing.reason);
    }
    // Others are tried in place of those that must stay.
    if (free.length < wanted.victims.length) continue;
    for (const { id } of free) fleet.release(id);
    evicted.push(...free);
  }
  return { kind: 'none', kept: reasons };
}

/** The hosts on which room is being made: a preemptible VM that took it would have to go next. */
export async function hostsInMaking(tx: Tx): Promise<string[]> {
  return [...new Set((await waiting(tx)).map(({ detail }) => String(detail.host)))];
}

/** Ends the wait of a step for room. Gives the VMs that made it; none when it did not wait. */
export async function endWait(tx: Tx, holder: Holder): Promise<Victim[]> {
  const rows = await takeOut(tx, KIND, holder);
  return rows.flatMap(({ detail }) => victimsOf(detail).map(({ victim }) => victim));
}

/** The VMs, in words. */
export const inWords = (victims: readonly Victim[]): string =>
  victims.map(({ vm, msgid }) => `vm ${vm} (message ${msgid})`).join(', ');

/** Claims of messages that walk back to their start and are not stuck, with their VMs. */
async function onTheirWayOut(tx: Tx): Promise<Map<string, Victim>> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', 'claim')
    .where(
      'msgid',
      'in',
      tx.db
        .selectFrom('messages')
        .select('msgid')
        .where('phase', 'in', ['open', 'waiting'])
        .where('mode', '=', 'rollback')
        .where('rewind_to', 'is', null),
    )
    .execute();
  return new Map(
    rows.map(allocationOf).map(({ key, msgid, detail }) => [key, { vm: String(detail.vm ?? ''), msgid }]),
  );
}

async function waiting(tx: Tx): Promise<Allocation[]> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', KIND)
    .orderBy('created')
    .orderBy('key')
    .execute();
  return rows.map(allocationOf);
}

const idsOf = ({ claims }: Parameters): string[] => (Array.isArray(claims) ? claims.map(String) : []);

function victimsOf(detail: Parameters): Named[] {
  const { victims } = detail;
  const list = Array.isArray(victims) ? (victims as Victim[]) : [];
  return idsOf(detail).map((id, at) => ({ id, victim: list[at]! }));
}

/** Two requests that look at the same time would turn back twice what they need. The lock ends with the transaction. */
async function oneAtATime(tx: Tx): Promise<void> {
  await cloudTables(tx.db)
    .insertInto('cloud_settings')
    .values({ name: 'preempting', value: '' })
    .onConflict(conflict => conflict.column('name').doUpdateSet({ value: '' }))
    .execute();
}
