import { checkSame, checkSpec, guestOf, noSuchGuest } from '../../cloud/compute/guest-spec.ts';
import type { Guest, GuestSpec, Hypervisor } from '../../cloud/compute/hypervisor.ts';
import { CoaxError } from '../../errors/coax-error.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Entry {
  readonly spec: GuestSpec;
  readonly state: 'running' | 'stopped';
}

/**
 * The hypervisor of a replay: guests are entries of a map that ends with the process. It keeps every promise of a hypervisor but
 * the one to outlive its process, and says `simulated` wherever it is seen.
 */
export class MemoryHypervisor implements Hypervisor {
  readonly kind = 'simulated';
  readonly accelerator = 'none';
  readonly #guests = new Map<string, Entry>();

  async create(spec: GuestSpec, signal: AbortSignal): Promise<Guest> {
    signal.throwIfAborted();
    checkSpec(spec);
    const kept = this.#guests.get(spec.uuid);
    if (kept?.state === 'running') checkSame(kept.spec, spec);
    return this.#keep({ spec: kept?.spec ?? spec, state: 'running' });
  }

  async destroy(uuid: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#guests.delete(uuid);
  }

  async start(uuid: string): Promise<Guest> {
    return this.#keep({ spec: this.#need(uuid).spec, state: 'running' });
  }

  async stop(uuid: string): Promise<Guest> {
    return this.#keep({ spec: this.#need(uuid).spec, state: 'stopped' });
  }

  async reboot(uuid: string): Promise<Guest> {
    const entry = this.#need(uuid);
    if (entry.state === 'running') return shown(entry);
    throw new CoaxError('COAX_HYPERVISOR', `guest ${entry.spec.name} is stopped, so it cannot be reset`, {
      where: uuid,
      hint: 'Start it.',
    });
  }

  async find(uuid: string): Promise<Guest | null> {
    if (!UUID.test(uuid)) {
      throw new CoaxError('COAX_HYPERVISOR', `${JSON.stringify(uuid)} is not a uuid in lower case`, {
        where: 'uuid',
      });
    }
    const entry = this.#guests.get(uuid);
    return entry ? shown(entry) : null;
  }

  async list(): Promise<readonly Guest[]> {
    return [...this.#guests.values()].map(shown);
  }

  async consoleTail(uuid: string): Promise<string> {
    return `simulated guest ${this.#need(uuid).spec.name}\n`;
  }

  #need(uuid: string): Entry {
    const entry = this.#guests.get(uuid);
    if (!entry) throw noSuchGuest(uuid);
    return entry;
  }

  #keep(entry: Entry): Guest {
    this.#guests.set(entry.spec.uuid, entry);
    return shown(entry);
  }
}

const shown = ({ spec, state }: Entry): Guest => guestOf(spec, { state, pid: null, serialSocket: null });
