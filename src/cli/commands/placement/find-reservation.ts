import type { ReservationView } from '../../../api/cloud/placement.ts';
import type { Client } from '../../../client/client.ts';
import { everyPage } from '../../../client/every-page.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { meantHint } from '../../../errors/nearest.ts';

/** Errors: COAX_NOT_FOUND, with the name that was meant. */
export async function findReservation(client: Client, name: string): Promise<ReservationView> {
  const { items } = await everyPage(query => client.reservations(query));
  const found = items.find(item => item.name === name);
  if (found) return found;
  const names = items.map(item => item.name);
  throw new CoaxError('COAX_NOT_FOUND', `no reservation is called ${name}`, {
    hint: `${meantHint(name, names)}\`coax reservation ls\` lists them.`,
  });
}
