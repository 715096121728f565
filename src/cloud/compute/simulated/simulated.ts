import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError } from '../../../errors/coax-error.ts';
import { checkSame, checkSpec, checkUuid, guestOf, noSuchGuest } from '../guest-spec.ts';
import type { Guest, GuestSpec, Hypervisor } from '../hypervisor.ts';
import { type Entry, type GuestBook, GuestFiles } from './guest-book.ts';

export type SimulatedOperation = 'create' | 'destroy' | 'start' | 'stop' | 'reboot';

/** How a simulated hypervisor behaves. */
interface Behaviour {
  /** How long each operation takes; 0 by default. */
  readonly delayMs?: number;
  /** Called before an operation changes anything; what it throws is the operation's error. */
  readonly fail?: (operation: SimulatedOperation, uuid: string) => void | Promise<void>;
  /** Guests of sizes that no real one could have, as traces of VMs ask for. */
  readonly anySize?: boolean;
}

export interface SimulatedOptions extends Behaviour {
  readonly dataDir: string;
  /** Whose guests they are; absent: of all simulated hosts alike. */
  readonly host?: string;
}

/** A hypervisor that keeps books and runs nothing: one JSON file for each guest in `DATA/sim/HOST/`. */
export function openSimulated({ dataDir, host, ...behaviour }: SimulatedOptions): SimulatedHypervisor {
  const folder = join(resolve(dataDir), 'sim', host ?? '');
  return new SimulatedHypervisor(new GuestFiles(folder), behaviour);
}

const LINES_MAX = 100;

/** Guests that exist on paper only, for as long as their book does. A stop takes no grace. */
export class SimulatedHypervisor implements Hypervisor {
  readonly kind = 'simulated';
  readonly accelerator = 'none';
  readonly #book: GuestBook;
  readonly #behaviour: Behaviour;

  constructor(book: GuestBook, behaviour: Behaviour = {}) {
    this.#book = book;
    this.#behaviour = behaviour;
  }

  async create(spec: GuestSpec, signal: AbortSignal): Promise<Guest> {
    checkSpec(spec, this.#behaviour);
    await this.#operation('create', spec.uuid, signal);
    const booted: Entry = { spec, state: 'running', lines: [`simulated guest ${spec.name} booted`] };
    const entry = await this.#book.change(spec.uuid, kept => {
      if (kept?.state !== 'running') return booted;
      checkSame(kept.spec, spec);
      return kept;
    });
    return shown(entry);
  }

  async destroy(uuid: string, signal: AbortSignal): Promise<void> {
    await this.#operation('destroy', uuid, signal);
    await this.#book.remove(uuid);
  }

  async start(uuid: string, signal: AbortSignal): Promise<Guest> {
    await this.#operation('start', uuid, signal);
    return this.#change(uuid, kept => (kept.state === 'running' ? kept : said(kept, 'running', 'booted')));
  }

  async stop(uuid: string, _graceMs: number, signal: AbortSignal): Promise<Guest> {
    await this.#operation('stop', uuid, signal);
    return this.#change(uuid, kept =>
      kept.state === 'stopped' ? kept : said(kept, 'stopped', 'powered down'),
    );
  }

  async reboot(uuid: string, signal: AbortSignal): Promise<Guest> {
    await this.#operation('reboot', uuid, signal);
    return this.#change(uuid, kept => {
      if (kept.state === 'running') return said(kept, 'running', 'booted');
      throw new CoaxError('COAX_HYPERVISOR', `guest ${kept.spec.name} is stopped, so it cannot be reset`, {
        where: uuid,
        hint: 'Start it.',
      });
    });
  }

  async find(uuid: string): Promise<Guest | null> {
    checkUuid(uuid);
    const kept = await this.#book.read(uuid);
    return kept && shown(kept);
  }

  async list(): Promise<readonly Guest[]> {
    return (await this.#book.all()).map(shown);
  }

  async consoleTail(uuid: string, bytes: number): Promise<string> {
    const text = Buffer.from(`${(await this.#need(uuid)).lines.join('\n')}\n`);
    return text.subarray(Math.max(0, text.length - bytes)).toString('utf8');
  }

  async #operation(operation: SimulatedOperation, uuid: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    checkUuid(uuid);
    const { delayMs, fail } = this.#behaviour;
    if (delayMs) {
      await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    await fail?.(operation, uuid);
  }

  async #need(uuid: string): Promise<Entry> {
    checkUuid(uuid);
    const kept = await this.#book.read(uuid);
    if (!kept) throw noSuchGuest(uuid);
    return kept;
  }

  /** At one instant, so that a guest that another operation removes does not come back. */
  async #change(uuid: string, to: (kept: Entry) => Entry): Promise<Guest> {
    const entry = await this.#book.change(uuid, kept => {
      if (!kept) throw noSuchGuest(uuid);
      return to(kept);
    });
    return shown(entry);
  }
}

function shown({ spec, state }: Entry): Guest {
  return guestOf(spec, { state, pid: null, serialSocket: null });
}

function said({ spec, lines }: Entry, state: Entry['state'], what: string): Entry {
  return { spec, state, lines: [...lines, `simulated guest ${spec.name} ${what}`].slice(-LINES_MAX) };
}
