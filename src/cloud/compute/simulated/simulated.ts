import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError } from '../../../errors/coax-error.ts';
import { checkSame, checkSpec, guestOf, noSuchGuest } from '../guest-spec.ts';
import type { Guest, GuestSpec, Hypervisor } from '../hypervisor.ts';

export type SimulatedOperation = 'create' | 'destroy' | 'start' | 'stop' | 'reboot';

export interface SimulatedOptions {
  readonly dataDir: string;
  /** How long each operation takes; 0 by default. */
  readonly delayMs?: number;
  /** Called before an operation changes anything; what it throws is the operation's error. */
  readonly fail?: (operation: SimulatedOperation, uuid: string) => void | Promise<void>;
}

/** A hypervisor that keeps books and runs nothing: one JSON file for each guest in `DATA/sim/`. */
export function openSimulated(options: SimulatedOptions): SimulatedHypervisor {
  return new SimulatedHypervisor(options);
}

/** What a file in `DATA/sim/` holds. */
interface Entry {
  readonly spec: GuestSpec;
  readonly state: 'running' | 'stopped';
  /** What its console has shown. */
  readonly lines: readonly string[];
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LINES_MAX = 100;

/** Guests that exist on paper only. They outlive the process as real ones do, and a stop takes no grace. */
export class SimulatedHypervisor implements Hypervisor {
  readonly kind = 'simulated';
  readonly accelerator = 'none';
  readonly #options: SimulatedOptions;
  readonly #folder: string;

  constructor(options: SimulatedOptions) {
    this.#options = options;
    this.#folder = join(resolve(options.dataDir), 'sim');
  }

  async create(spec: GuestSpec, signal: AbortSignal): Promise<Guest> {
    checkSpec(spec);
    await this.#operation('create', spec.uuid, signal);
    const kept = this.#read(spec.uuid);
    if (kept?.state === 'running') {
      checkSame(kept.spec, spec);
      return shown(kept);
    }
    return this.#write({ spec, state: 'running', lines: [`simulated guest ${spec.name} booted`] });
  }

  async destroy(uuid: string, signal: AbortSignal): Promise<void> {
    await this.#operation('destroy', uuid, signal);
    rmSync(this.#file(uuid), { force: true });
  }

  async start(uuid: string, signal: AbortSignal): Promise<Guest> {
    await this.#operation('start', uuid, signal);
    const kept = this.#need(uuid);
    return kept.state === 'running' ? shown(kept) : this.#write(said(kept, 'running', 'booted'));
  }

  async stop(uuid: string, _graceMs: number, signal: AbortSignal): Promise<Guest> {
    await this.#operation('stop', uuid, signal);
    const kept = this.#need(uuid);
    return kept.state === 'stopped' ? shown(kept) : this.#write(said(kept, 'stopped', 'powered down'));
  }

  async reboot(uuid: string, signal: AbortSignal): Promise<Guest> {
    await this.#operation('reboot', uuid, signal);
    const kept = this.#need(uuid);
    if (kept.state === 'running') return this.#write(said(kept, 'running', 'booted'));
    throw new CoaxError('COAX_HYPERVISOR', `guest ${kept.spec.name} is stopped, so it cannot be reset`, {
      where: uuid,
      hint: 'Start it.',
    });
  }

  async find(uuid: string): Promise<Guest | null> {
    const kept = this.#read(uuid);
    return kept && shown(kept);
  }

  async list(): Promise<readonly Guest[]> {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .map(name => name.replace(/\.json$/, ''))
      .filter(name => UUID.test(name))
      .sort()
      .flatMap(uuid => this.#read(uuid) ?? [])
      .map(shown);
  }

  async consoleTail(uuid: string, bytes: number): Promise<string> {
    const text = Buffer.from(`${this.#need(uuid).lines.join('\n')}\n`);
    return text.subarray(Math.max(0, text.length - bytes)).toString('utf8');
  }

  async #operation(operation: SimulatedOperation, uuid: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#options.delayMs) {
      await sleep(this.#options.delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    await this.#options.fail?.(operation, uuid);
  }

  #file(uuid: string): string {
    if (UUID.test(uuid)) return join(this.#folder, `${uuid}.json`);
    throw new CoaxError('COAX_HYPERVISOR', `${JSON.stringify(uuid)} is not a uuid in lower case`, {
      where: 'uuid',
    });
  }

  #read(uuid: string): Entry | null {
    const file = this.#file(uuid);
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Entry;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new CoaxError('COAX_HYPERVISOR', `${file} cannot be read: ${(error as Error).message}`, {
        where: file,
      });
    }
  }

  #need(uuid: string): Entry {
    const kept = this.#read(uuid);
    if (!kept) throw noSuchGuest(uuid);
    return kept;
  }

  #write(record: Entry): Guest {
    const file = this.#file(record.spec.uuid);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return shown(record);
  }
}

function shown({ spec, state }: Entry): Guest {
  return guestOf(spec, { state, pid: null, serialSocket: null });
}

function said({ spec, lines }: Entry, state: Entry['state'], what: string): Entry {
  return { spec, state, lines: [...lines, `simulated guest ${spec.name} ${what}`].slice(-LINES_MAX) };
}
