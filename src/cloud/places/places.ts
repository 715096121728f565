import { Terminal } from '../../step/step-errors.ts';
import type { Allocation } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { allocationAt, type Holder, ofMessage, takeOut } from '../allocations.ts';
import { projectOf } from '../owners.ts';
import { claimOf } from '../resource/claim-detail.ts';
import { giveBack, noteClaims } from '../resource/claim-hosts.ts';
import { cloudTables } from '../schema.ts';
import { isOver } from './reservation-watch.ts';

/*
 * A place is a claim that one message made ahead, for a VM that another message builds: of a gang (`placement select_hosts`,
 * whose branches take the places), or of a reservation (`placement reserve`, for who names it). Whoever takes a place owns its
 * claim; the undo hands it back to the message that made it, as long as that stands. Its key keeps saying who made it.
 */

/** Said in the record of a VM whose name was taken with a gang's place. */
const MADE_BY = 'made_by';

export const madeBy = ({ msgid, step }: Holder) => ({ [MADE_BY]: { msgid, step } });

/**
 * A branch takes the name and the claim of its VM over from the message that placed the gang. Doing it twice is no harm.
 * Returns the host. Errors: Terminal COAX_NOT_FOUND when the message whose branch it is has placed no such VM.
 */
export async function takeGangPlace(tx: Tx, vm: string, holder: Holder): Promise<string> {
  const record = await allocationAt(tx, 'vm', vm);
  const family = [holder.msgid, await parentOf(tx, holder.msgid)];
  if (!record || !family.includes(record.msgid) || record.detail[MADE_BY] === undefined) {
    throw new Terminal(
      `no place was chosen for a vm ${vm}: \`placement select_hosts\` comes before the branches`,
      { code: 'COAX_NOT_FOUND' },
    );
  }
  for (const part of await partsOf(tx, vm, record.msgid)) await moveTo(tx, part, holder);
  return String(record.detail.host);
}

/** Hands the gang's place back. Does nothing when it was not taken. */
export async function handGangPlaceBack(tx: Tx, vm: string, { msgid }: Holder): Promise<void> {
  const parts = await partsOf(tx, vm, msgid);
  const record = parts.find(({ kind }) => kind === 'vm');
  if (record?.detail[MADE_BY] === undefined) return;
  const maker = record.detail[MADE_BY] as unknown as Holder;
  for (const part of parts) await moveTo(tx, part, maker);
}

/** The claim and the record of a VM, as far as that message holds them. */
async function partsOf(tx: Tx, vm: string, msgid: number): Promise<Allocation[]> {
  const claims = (await ofMessage(tx, 'claim', msgid)).filter(({ detail }) => detail.vm === vm);
  const records = (await ofMessage(tx, 'vm', msgid)).filter(({ key }) => key === vm);
  return [...claims, ...records];
}

/**
 * Takes the smallest place of a reservation that is large enough, for a VM of that name; returns its host, null when none is
 * left. Errors: Terminal COAX_NOT_FOUND when there is no such reservation, or its time is over.
 */
export async function takeReservedPlace(
  tx: Tx,
  reservation: string,
  wish: { readonly cpuMilli: number; readonly memMib: number; readonly vm: string },
  holder: Holder,
): Promise<string | null> {
  const made = await allocationAt(tx, 'reservation', reservation);
  // One of another project is not there: its quota, not this one's, holds the room.
  if (!made || (await projectOf(tx, made.msgid)) !== (await projectOf(tx, holder.msgid))) {
    throw new Terminal(`there is no reservation ${reservation}; \`coax reservation ls\` lists them`, {
      code: 'COAX_NOT_FOUND',
    });
  }
  if (isOver(made.detail, tx.now)) {
    const ended = new Date(Number(made.detail.until)).toISOString();
    throw new Terminal(`the time of reservation ${reservation} was over at ${ended}`, {
      code: 'COAX_NOT_FOUND',
    });
  }
  const places = (await ofMessage(tx, 'claim', made.msgid))
    .map(place => ({ place, room: claimOf(place.key, place.detail) }))
    .filter(({ room }) => room.cpuMilli >= wish.cpuMilli && room.memMib >= wish.memMib)
    .sort((a, b) => a.room.cpuMilli - b.room.cpuMilli || a.room.memMib - b.room.memMib);
  for (const { place, room } of places) {
    const taken = { ...place, detail: { ...place.detail, vm: wish.vm } };
    if (await moveTo(tx, taken, holder)) return room.host;
  }
  return null;
}

/**
 * Hands the places of reservations back that the step has taken; gives up those whose reservation is gone, and tells their
 * keys.
 */
export async function handReservedPlacesBack(tx: Tx, holder: Holder): Promise<string[]> {
  const given: string[] = [];
  for (const place of await ofMessage(tx, 'claim', holder.msgid)) {
    if (place.detail.step !== holder.step) continue;
    const [msgid = 0, step = 0] = place.key.split('.').map(Number);
    const stands = (await ofMessage(tx, 'reservation', msgid)).length > 0;
    const { vm: _, ...detail } = place.detail;
    if (stands) await moveTo(tx, { ...place, detail }, { msgid, step });
    else given.push(place.key);
  }
  if (given.length > 0) await giveBack(tx, given);
  return given;
}

/**
 * Ends a reservation that this message made and whose time is over: its free places and its name. VMs keep theirs. Answers the keys of
 * the places; none when it is gone, another one, or not over.
 */
export async function endReservation(tx: Tx, name: string, msgid: number): Promise<string[]> {
  const made = await allocationAt(tx, 'reservation', name);
  if (made?.msgid !== msgid || !isOver(made.detail, tx.now)) return [];
  const step = Number(made.detail.step);
  await takeOut(tx, 'reservation', { msgid, step });
  const claims = await ofMessage(tx, 'claim', msgid);
  const free = claims.filter(({ detail }) => detail.step === step).map(({ key }) => key);
  if (free.length > 0) await giveBack(tx, free);
  return free;
}

/** The message whose branch it is, or null. */
async function parentOf(tx: Tx, msgid: number): Promise<number | null> {
  const row = await tx.db
    .selectFrom('messages')
    .select('parent_msgid')
    .where('msgid', '=', msgid)
    .executeTakeFirst();
  return row?.parent_msgid == null ? null : Number(row.parent_msgid);
}

/** False when it belongs to another by now. */
async function moveTo(tx: Tx, { kind, key, msgid, detail }: Allocation, to: Holder): Promise<boolean> {
  const moved = await cloudTables(tx.db)
    .updateTable('allocations')
    .set({ msgid: to.msgid, detail: JSON.stringify({ ...detail, step: to.step }) })
    .where('kind', '=', kind)
    .where('key', '=', key)
    .where('msgid', '=', msgid)
    .executeTakeFirst();
  if (Number(moved.numUpdatedRows) === 0) return false;
  // A place gets or loses the name of its VM, which other schedulers' rules may be about.
  if (kind === 'claim') await noteClaims(tx, [key]);
  return true;
}
