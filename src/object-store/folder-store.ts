import { createReadStream } from 'node:fs';
import { access, copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import type { LocalFile, ObjectStore, ObjectUse, StoredObject } from './object-store.ts';

const UNFINISHED = '.part';

/** Files in a folder. A file has its name only once it is whole and on the disk. */
export class FolderStore implements ObjectStore {
  readonly place: string;
  readonly #use: ObjectUse;
  #parts = 0;

  constructor(folder: string, use: ObjectUse) {
    this.place = folder;
    this.#use = use;
  }

  put(name: string, bytes: Buffer): Promise<void> {
    return this.#write(name, async part => {
      const file = await open(part, 'w', 0o600);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
    });
  }

  putFile(name: string, { file }: LocalFile): Promise<void> {
    return this.#write(name, part => copyFile(file, part));
  }

  get(name: string): Promise<Buffer | null> {
    return this.#guarded(name, () => ifThere(readFile(join(this.place, name))));
  }

  open(name: string): Promise<StoredObject | null> {
    const path = join(this.place, name);
    return this.#guarded(name, async () => {
      const found = await ifThere(stat(path));
      return found?.isFile() ? { bytes: found.size, stream: createReadStream(path) } : null;
    });
  }

  has(name: string): Promise<boolean> {
    return this.#guarded(
      name,
      async () => (await ifThere(access(join(this.place, name)).then(() => true))) ?? false,
    );
  }

  remove(name: string): Promise<void> {
    return this.#guarded(name, async () => {
      await rm(join(this.place, name), { force: true });
    });
  }

  list(): Promise<readonly string[]> {
    return this.#guarded('', async () => {
      const names = (await ifThere(readdir(this.place))) ?? [];
      return names.filter(name => !name.endsWith(UNFINISHED)).sort();
    });
  }

  async link(): Promise<null> {
    return null;
  }

  async #write(name: string, fill: (part: string) => Promise<void>): Promise<void> {
    // Two writers of one name may work at a time; each has a part of its own.
    const part = join(this.place, `${name}.${process.pid}.${++this.#parts}${UNFINISHED}`);
    await this.#guarded(name, async () => {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      try {
        await fill(part);
        await sync(part);
        await rename(part, join(this.place, name));
      } finally {
        await rm(part, { force: true });
      }
      await sync(this.place);
    });
  }

  async #guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new CoaxError(this.#use.unavailable, textOf(cause), { where: join(this.place, name), cause });
    }
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function ifThere<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
