import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import type { ObjectStore } from './object-store.ts';

const UNFINISHED = '.part';

/** Archive files in a folder. A file has its name only once it is whole and on the disk. */
export class FolderStore implements ObjectStore {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    const part = join(this.place, `${name}.${process.pid}${UNFINISHED}`);
    await this.#guarded(name, async () => {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      try {
        const file = await open(part, 'w', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(part, join(this.place, name));
      } finally {
        await rm(part, { force: true });
      }
      const folder = await open(this.place, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    });
  }

  get(name: string): Promise<Buffer | null> {
    return this.#guarded(name, async () => {
      try {
        return await readFile(join(this.place, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    });
  }

  list(): Promise<readonly string[]> {
    return this.#guarded('', async () => {
      const names = await readdir(this.place).catch(error => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      return names.filter(name => !name.endsWith(UNFINISHED)).sort();
    });
  }

  async #guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new CoaxError('COAX_ARCHIVE_UNAVAILABLE', textOf(cause), {
        where: join(this.place, name),
        cause,
      });
    }
  }
}
