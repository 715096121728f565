import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoaxError } from '../../../errors/coax-error.ts';
import { isUuid } from '../guest-spec.ts';
import type { GuestSpec } from '../hypervisor.ts';

/** A guest that exists on paper only. */
export interface Entry {
  readonly spec: GuestSpec;
  readonly state: 'running' | 'stopped';
  /** What its console has shown. */
  readonly lines: readonly string[];
}

type Awaitable<T> = T | Promise<T>;

/** Where a simulated hypervisor keeps its guests. The uuids are checked by then. */
export interface GuestBook {
  read(uuid: string): Awaitable<Entry | null>;
  /**
   * Puts what `to` makes of the kept guest in its place, and gives it. Nothing falls between the two: a guest that is removed meanwhile is
   * not written again. `to` may be called more than once; what it throws is thrown, and nothing is written.
   */
  change(uuid: string, to: (kept: Entry | null) => Entry): Awaitable<Entry>;
  remove(uuid: string): Awaitable<void>;
  /** By uuid. */
  all(): Awaitable<readonly Entry[]>;
}

/** One JSON file for each guest: they outlive the process as real ones do. Errors: COAX_HYPERVISOR. */
export class GuestFiles implements GuestBook {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(uuid: string): Entry | null {
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

  change(uuid: string, to: (kept: Entry | null) => Entry): Entry {
    const kept = this.read(uuid);
    const entry = to(kept);
    if (entry !== kept) this.write(entry);
    return entry;
  }

  write(entry: Entry): void {
    const file = this.#file(entry.spec.uuid);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  remove(uuid: string): void {
    rmSync(this.#file(uuid), { force: true });
  }

  all(): readonly Entry[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .map(name => name.replace(/\.json$/, ''))
      .filter(isUuid)
      .sort()
      .flatMap(uuid => this.read(uuid) ?? []);
  }

  #file(uuid: string): string {
    return join(this.#folder, `${uuid}.json`);
  }
}

/** In memory: they end with the process, and cost no file. */
export class GuestMap implements GuestBook {
  readonly #entries = new Map<string, Entry>();

  read(uuid: string): Entry | null {
    return this.#entries.get(uuid) ?? null;
  }

  change(uuid: string, to: (kept: Entry | null) => Entry): Entry {
    const entry = to(this.read(uuid));
    this.#entries.set(uuid, entry);
    return entry;
  }

  remove(uuid: string): void {
    this.#entries.delete(uuid);
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()].sort((a, b) => (a.spec.uuid < b.spec.uuid ? -1 : 1));
  }
}
