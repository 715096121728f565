import { z } from 'zod';
import { CoaxError } from '../../errors/coax-error.ts';
import { bytesAt } from './contents.ts';
import { type Disk, removeAll } from './disk.ts';
import type { Layout } from './layout.ts';

const Placing = z.strictObject({
  /** Null: it was removed; what stood before may still be brought back. */
  version: z.string().nullable(),
  /** SHA-256 of its manifest. */
  digest: z.string().nullable(),
  /** The generation that switched to this version: packages that share it changed together. */
  since: z.int(),
  /** What asked for it: the key of a step, or a command. */
  by: z.string(),
});
const PlacedPackage = Placing.extend({
  /** What stood here before, the latest first: an undo makes it stand again, with all that was known of it. */
  before: z.array(Placing),
});
const GenerationText = z.strictObject({
  format: z.literal(1),
  packages: z.record(z.string(), PlacedPackage),
});
const PendingText = z.strictObject({ from: z.int().nullable(), to: z.int() });

export type PlacedPackage = z.output<typeof PlacedPackage>;

/** So many are kept of what stood before; a `gc` keeps one. */
const BEFORE_MAX = 10;

/** The version that stood before; null: none did. */
export const previousOf = ({ before }: PlacedPackage): string | null => before[0]?.version ?? null;

/** A package as it stands when another version takes its place. */
export function placedAfter(
  old: PlacedPackage | undefined,
  placing: Omit<PlacedPackage, 'before'>,
): PlacedPackage {
  if (old === undefined) return { ...placing, before: [] };
  const { before, ...last } = old;
  return { ...placing, before: [last, ...before].slice(0, BEFORE_MAX) };
}

/** A package as it stood before its last change; null: not at all. */
export function placedBefore({ before: [last, ...rest] }: PlacedPackage): PlacedPackage | null {
  return last === undefined ? null : { ...last, before: rest };
}

/** Which packages stand on a host, all at once: by name. */
export interface Generation {
  /** 0: none was ever made. */
  readonly number: number;
  readonly packages: Readonly<Record<string, PlacedPackage>>;
}

const NONE: Generation = { number: 0, packages: {} };
const BOOK = '.packages.json';

/**
 * A generation is a folder with a link to each package that stands on the host; `current` is a link to one of them. So any
 * number of packages switch by one rename(2). It happens between two marks: `pending.json` is laid down before, and taken
 * away when all is well after. Whoever finds it knows that a switch was not finished, and where to go back to.
 */
export class Generations {
  readonly #disk: Disk;
  readonly #layout: Layout;

  constructor(disk: Disk, layout: Layout) {
    this.#disk = disk;
    this.#layout = layout;
  }

  /** Errors: COAX_PACKAGE_CORRUPT. */
  async current(): Promise<Generation> {
    const target = await this.#disk.readLink(this.#layout.current);
    if (target === null) return NONE;
    const number = Number(/^generations\/([1-9]\d*)$/.exec(target)?.[1]);
    if (Number.isNaN(number)) throw corrupt(this.#layout.current, `leads to ${JSON.stringify(target)}`);
    return await this.read(number);
  }

  async read(number: number): Promise<Generation> {
    if (number === 0) return NONE;
    const file = `${this.#layout.generation(number)}/${BOOK}`;
    const bytes = await bytesAt(this.#disk, file);
    const parsed = bytes === null ? null : GenerationText.safeParse(jsonOf(bytes));
    if (!parsed?.success) throw corrupt(file, bytes === null ? 'is missing' : 'is not as it was written');
    return { number, packages: parsed.data.packages };
  }

  /** Lays down a generation that nothing leads to yet. `packages` gets to know its number. Lasts when this returns. */
  async make(packages: (number: number) => Readonly<Record<string, PlacedPackage>>): Promise<Generation> {
    const numbers = (await this.#disk.list(this.#layout.generations)).map(Number);
    const number = Math.max(0, ...numbers.filter(Number.isSafeInteger)) + 1;
    const generation = { number, packages: packages(number) };
    const staged = `${this.#layout.staging}/generation`;
    await removeAll(this.#disk, staged);
    await this.#disk.makeFolder(staged);
    const book = `${JSON.stringify({ format: 1, packages: generation.packages }, null, 2)}\n`;
    await this.#disk.write(`${staged}/${BOOK}`, [Buffer.from(book)], 0o444);
    for (const [name, { version }] of Object.entries(generation.packages))
      if (version !== null) await this.#disk.symlink(linkTarget(name, version), `${staged}/${name}`);
    await this.#disk.syncFolder(staged);
    await this.#disk.rename(staged, this.#layout.generation(number));
    await this.#disk.syncFolder(this.#layout.generations);
    return generation;
  }

  /** Marks that a switch begins. */
  async begin(from: number, to: number): Promise<void> {
    const staged = `${this.#layout.staging}/pending`;
    await this.#disk.unlink(staged);
    const text = JSON.stringify({ from: from === 0 ? null : from, to });
    await this.#disk.write(staged, [Buffer.from(text)], 0o444);
    await this.#disk.rename(staged, this.#layout.pending);
    await this.#disk.syncFolder(this.#layout.root);
  }

  /** The one instant. */
  async switchTo(number: number): Promise<void> {
    if (number === 0) await this.#disk.unlink(this.#layout.current);
    else {
      const staged = `${this.#layout.staging}/current`;
      await this.#disk.unlink(staged);
      await this.#disk.symlink(`generations/${number}`, staged);
      await this.#disk.rename(staged, this.#layout.current);
    }
    await this.#disk.syncFolder(this.#layout.root);
  }

  /** Makes `current` and the mark last as they are. */
  async last(): Promise<void> {
    await this.#disk.syncFolder(this.#layout.root);
  }

  /** Marks that the switch is over, either way. */
  async end(): Promise<void> {
    await this.#disk.unlink(this.#layout.pending);
    await this.#disk.syncFolder(this.#layout.root);
  }

  /** The switch that somebody began and did not end; null when there is none. */
  async pending(): Promise<{ readonly from: number; readonly to: number } | null> {
    const bytes = await bytesAt(this.#disk, this.#layout.pending);
    if (bytes === null) return null;
    const parsed = PendingText.safeParse(jsonOf(bytes));
    if (!parsed.success) throw corrupt(this.#layout.pending, 'is not as it was written');
    return { from: parsed.data.from ?? 0, to: parsed.data.to };
  }

  /** Takes away what nothing leads to: other generations, and what was being made. */
  async tidy(): Promise<void> {
    const { number } = await this.current();
    for (const name of await this.#disk.list(this.#layout.generations))
      if (name !== String(number)) await removeAll(this.#disk, `${this.#layout.generations}/${name}`);
    for (const name of await this.#disk.list(this.#layout.staging))
      await removeAll(this.#disk, `${this.#layout.staging}/${name}`);
  }

  /** Names under which the current generation leads elsewhere than its book says. */
  async strayLinks({ number, packages }: Generation): Promise<{ name: string; reason: string }[]> {
    if (number === 0) return [];
    const strays: { name: string; reason: string }[] = [];
    const folder = this.#layout.generation(number);
    for (const [name, { version }] of Object.entries(packages)) {
      const target = await this.#disk.readLink(`${folder}/${name}`);
      const due = version === null ? null : linkTarget(name, version);
      if (target !== due)
        strays.push({
          name,
          reason: `current/${name} leads to ${JSON.stringify(target)}, not to ${JSON.stringify(due)}`,
        });
    }
    for (const name of await this.#disk.list(folder))
      if (name !== BOOK && !Object.hasOwn(packages, name))
        strays.push({ name, reason: `current/${name} is of no package` });
    return strays;
  }
}

const linkTarget = (name: string, version: string): string => `../../versions/${name}/${version}/files`;

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}

function corrupt(where: string, reason: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_CORRUPT', `${where} ${reason}`, { where });
}
