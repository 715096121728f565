import type { Store } from '../../store/store.ts';
import { type OwnedQuery, ownedAllocations } from '../allocations.ts';
import { claimOf } from '../resource/claim-detail.ts';
import { isOver } from './reservation-watch.ts';

/** Room that is held for VMs which name it. */
export interface ReservationInfo {
  readonly name: string;
  /** The message that holds it. */
  readonly msgid: number;
  readonly project: string;
  /** Places that it was made with, and those that no VM has taken. */
  readonly places: number;
  readonly free: number;
  /** Of each place. */
  readonly cpu: number;
  readonly memMib: number;
  /** Where the free places are. */
  readonly hosts: { readonly host: string; readonly free: number }[];
  readonly vms: { readonly name: string; readonly host: string; readonly msgid: number }[];
  /** `over`: its time has come, and what it holds is being given back. */
  readonly state: 'held' | 'over';
  /** When it ends by itself, in ISO 8601; null: when it is given up. */
  readonly until: string | null;
  /** ISO 8601. */
  readonly created: string;
}

/** Reservations, by name. */
export async function reservationsOf(store: Store, query: OwnedQuery): Promise<ReservationInfo[]> {
  const made = await ownedAllocations({ db: store.reader }, 'reservation', query);
  if (made.length === 0) return [];
  const now = store.now();
  const claims = await store.allocations({ kind: 'claim' });
  return made.map(({ key: name, msgid, project, detail, created }) => {
    const places = claims.filter(({ key }) => key.startsWith(`${msgid}.${Number(detail.step)}.`));
    const free = places.filter(place => place.msgid === msgid);
    const hosts = Map.groupBy(free, place => claimOf(place.key, place.detail).host);
    return {
      name,
      msgid,
      project,
      places: Number(detail.count),
      free: free.length,
      cpu: Number(detail.cpu),
      memMib: Number(detail.mem),
      hosts: [...hosts].map(([host, of]) => ({ host, free: of.length })),
      vms: places
        .filter(place => place.msgid !== msgid)
        .map(place => ({
          name: String(place.detail.vm),
          host: String(place.detail.host),
          msgid: place.msgid,
        })),
      state: isOver(detail, now) ? 'over' : 'held',
      until: detail.until === undefined ? null : new Date(Number(detail.until)).toISOString(),
      created: new Date(created).toISOString(),
    };
  });
}
