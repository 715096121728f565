import type { Tx } from '../../store/tx.ts';
import { cloudTables } from '../schema.ts';
import { type HostSnapshot, snapshotOf } from './host-snapshot.ts';

/** How old figures may be while another server may change them; a claim is checked by the store in any case. */
const FRESH_MS = 1000;

/**
 * The hosts as this process knows them, so that a choice costs no query. What it says may be old or wrong (another
 * server claimed, a transaction was undone): the claim decides, and whoever loses one reads anew.
 */
export class Inventory {
  #hosts: readonly HostSnapshot[] = [];
  #byName = new Map<string, HostSnapshot>();
  #read = Number.NEGATIVE_INFINITY;

  async hosts(tx: Tx): Promise<readonly HostSnapshot[]> {
    return tx.now - this.#read < FRESH_MS && tx.now >= this.#read ? this.#hosts : await this.readAnew(tx);
  }

  /** What the transaction sees. */
  async readAnew(tx: Tx): Promise<readonly HostSnapshot[]> {
    const rows = await cloudTables(tx.db).selectFrom('hosts').selectAll().orderBy('name').execute();
    this.#hosts = rows.map(snapshotOf);
    this.#byName = new Map(this.#hosts.map(host => [host.name, host]));
    this.#read = tx.now;
    return this.#hosts;
  }

  /** Counts a claim (or, with negative figures, its end) until the next reading. */
  count(host: string, cpu: number, memMib: number): void {
    const known = this.#byName.get(host);
    if (!known) return;
    known.cpuUsed += cpu;
    known.memUsedMib += memMib;
  }

  forget(): void {
    this.#read = Number.NEGATIVE_INFINITY;
  }
}
