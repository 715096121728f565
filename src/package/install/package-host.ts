import { CoaxError } from '../../errors/coax-error.ts';
import type { ContentSource } from '../content-source.ts';
import { digestOf } from '../format/manifest.ts';
import { type Collected, collect } from '../store/collect.ts';
import { Contents, type Fetched } from '../store/contents.ts';
import type { Disk } from '../store/disk.ts';
import { type Generation, Generations, type PlacedPackage, previousOf } from '../store/generations.ts';
import { Layout } from '../store/layout.ts';
import { type TreeFault, Trees } from '../store/trees.ts';
import type { RunCommand } from './commands.ts';
import { type Chosen, resolve } from './resolve.ts';
import { healthFault, manifestsOf, recover, type SwitchParts, switchPackages } from './switch.ts';

export interface PackageHostParts {
  /** The folder of everything; it is there. */
  readonly root: string;
  readonly disk: Disk;
  readonly run: RunCommand;
  /** Holds a file for one process; the kernel lets it go when the process ends. Errors: COAX_STORE_LOCKED. */
  lock(file: string): { release(): void };
}

/** What asks for a change. */
export interface Asker {
  /** The key of a step, or a command: kept with what it changes. */
  readonly by: string;
  readonly signal?: AbortSignal;
  log(line: string): void;
}

/** A package in one version. */
export interface PackageAt {
  readonly name: string;
  readonly version: string;
}

export interface FetchedPackages extends Fetched {
  /** What was asked for, and what it depends on that did not stand here. */
  readonly packages: readonly PackageAt[];
}

/** A package as it stands on a host. */
export interface ListedPackage {
  readonly name: string;
  /** Null: it was removed, and `rollback` brings it back. */
  readonly version: string | null;
  readonly previous: string | null;
  readonly digest: string | null;
  readonly about: string;
}

/**
 * The packages of one host. One process at a time changes them; each change first ends what another one left behind. Whatever
 * ends a change, and when: after it each package stands in one version, the old or the new one.
 */
export class PackageHost {
  readonly layout: Layout;
  readonly #parts: PackageHostParts;
  readonly #trees: Trees;
  readonly #contents: Contents;
  readonly #generations: Generations;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: PackageHostParts) {
    const { root, disk } = parts;
    this.#parts = parts;
    this.layout = new Layout(root);
    this.#trees = new Trees(disk, this.layout);
    this.#contents = new Contents(disk, this.layout);
    this.#generations = new Generations(disk, this.layout);
  }

  /** Ends what a crash has left behind. Says whether a switch was taken back. */
  recover(asker: Asker): Promise<boolean> {
    return this.#alone(() => recover(this.#switchParts(asker)));
  }

  /**
   * Brings a package and what it depends on, and switches nothing. `range`: a version, or a range of them.
   * Errors: COAX_PACKAGE_NOT_FOUND, COAX_PACKAGE_DEPENDENCY, COAX_PACKAGE_REFUSED, those of the source.
   */
  async fetch(
    wanted: { readonly name: string; readonly range: string },
    source: ContentSource,
    asker: Asker,
  ): Promise<FetchedPackages> {
    return await this.#change(asker, async () => {
      const current = await this.#generations.current();
      await this.#mendManifests(current, source, asker);
      const standing = await manifestsOf(this.#trees, current);
      const chosen = await resolve(wanted, standing, source, asker.signal);
      let sum: Fetched = { contents: 0, bytes: 0, hadContents: 0, hadBytes: 0 };
      for (const each of chosen) sum = add(sum, await this.#bring(each, source, asker));
      return { ...sum, packages: chosen.map(({ manifest: { name, version } }) => ({ name, version })) };
    });
  }

  /** A manifest that was changed by hand would keep everything from going on: the source may have it as it was. */
  async #mendManifests({ packages }: Generation, source: ContentSource, asker: Asker): Promise<void> {
    for (const [name, { version, digest }] of Object.entries(packages)) {
      if (version === null) continue;
      const found = await this.#trees.manifest(name, version).catch(() => null);
      if (found?.digest === digest) continue;
      const bytes = await source.manifest(name, version, asker.signal).catch(() => null);
      if (bytes === null || digestOf(bytes) !== digest) continue;
      await this.#trees.mendManifest(name, version, bytes);
      asker.log(`${name} ${version}: its manifest was changed by hand, and is put right`);
    }
  }

  async #bring({ manifest, bytes }: Chosen, source: ContentSource, asker: Asker): Promise<Fetched> {
    const fetched = await this.#contents.bring(manifest, source, asker.signal);
    await this.#trees.place(manifest, bytes);
    asker.log(
      `${manifest.name} ${manifest.version}: ${fetched.contents} contents fetched (${fetched.bytes} bytes), ${fetched.hadContents} were here`,
    );
    return fetched;
  }

  /**
   * Switches to versions that lie here, all at one instant, and back if hooks or health checks fail.
   * Errors: COAX_PACKAGE_UNHEALTHY, COAX_PACKAGE_DEPENDENCY, COAX_PACKAGE_NOT_FOUND.
   */
  async switchTo(packages: readonly PackageAt[], asker: Asker): Promise<Generation> {
    const wished = new Map(packages.map(({ name, version }) => [name, version]));
    return await this.#change(asker, () => this.#switch(wished, asker));
  }

  /** Errors: COAX_PACKAGE_NOT_FOUND; COAX_PACKAGE_DEPENDENCY names those that need it. */
  async remove(name: string, asker: Asker): Promise<Generation> {
    return await this.#change(asker, async () => {
      const before = await this.#generations.current();
      if ((before.packages[name]?.version ?? null) === null) throw notHere(name);
      return await this.#switch(new Map([[name, null]]), asker);
    });
  }

  /**
   * Back to the version before, with all that changed together with it. Twice is where it began.
   * Errors: COAX_PACKAGE_NOT_FOUND when there is none, those of switching.
   */
  async rollback(name: string, asker: Asker): Promise<Generation> {
    return await this.#change(asker, async () => {
      const { packages } = await this.#generations.current();
      const placed = packages[name];
      if (placed === undefined) throw notHere(name);
      if (previousOf(placed) === null)
        throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `there was no ${name} before ${placed.version}`, {
          where: name,
          hint: `\`coax package remove ${name}\` takes it away.`,
        });
      const together = Object.entries(packages).filter(([, { since }]) => since === placed.since);
      return await this.#switch(versionsBefore(together), asker);
    });
  }

  /**
   * Undoes what `by` has switched, as far as it still stands: what somebody has changed since stays. Nothing to undo is no
   * error. A hook or a check that fails now is one, and what was put back stays.
   */
  async undo(by: string, asker: Asker): Promise<Generation> {
    return await this.#change(asker, async () => {
      const before = await this.#generations.current();
      const mine = Object.entries(before.packages).filter(([, placed]) => placed.by === by);
      return await this.#switch(versionsBefore(mine), asker, true);
    });
  }

  /** What `by` has switched and still stands, by name. */
  async changedBy(by: string): Promise<Generation['packages']> {
    const { packages } = await this.#generations.current();
    return Object.fromEntries(Object.entries(packages).filter(([, placed]) => placed.by === by));
  }

  /** Asks after the health of a package that stands here. Errors: COAX_PACKAGE_UNHEALTHY, COAX_PACKAGE_NOT_FOUND. */
  async check(name: string, asker: Asker): Promise<void> {
    const manifest = (await manifestsOf(this.#trees, await this.#generations.current())).get(name);
    if (manifest === undefined) throw notHere(name);
    const fault = await healthFault(this.#switchParts(asker), manifest, '', asker.signal);
    if (fault !== null) throw new CoaxError('COAX_PACKAGE_UNHEALTHY', fault, { where: name });
  }

  /** All that stands here, by name. */
  async list(): Promise<ListedPackage[]> {
    const { packages } = await this.#generations.current();
    return await Promise.all(
      Object.entries(packages).map(async ([name, placed]) => {
        const { version, digest } = placed;
        const found = version === null ? null : await this.#trees.manifest(name, version).catch(() => null);
        return { name, version, previous: previousOf(placed), digest, about: found?.manifest.about ?? '' };
      }),
    );
  }

  /** Reads every byte of every package that stands here, or of one, and gives all that is not as it was installed. */
  async verify(name: string | null, signal?: AbortSignal): Promise<TreeFault[]> {
    return await this.#alone(async () => {
      const generation = await this.#generations.current();
      const faults: TreeFault[] = [];
      if (name !== null && (generation.packages[name]?.version ?? null) === null) throw notHere(name);
      for (const [each, { version, digest }] of Object.entries(generation.packages)) {
        if (version === null || (name !== null && name !== each)) continue;
        faults.push(...(await this.#verifyOne(each, version, digest, signal)));
      }
      for (const { name: each, reason } of await this.#generations.strayLinks(generation)) {
        const version = generation.packages[each]?.version ?? '';
        if (name === null || name === each)
          faults.push({ package: each, version, path: '', fault: 'changed', reason });
      }
      return faults;
    });
  }

  async #verifyOne(
    name: string,
    version: string,
    digest: string | null,
    signal?: AbortSignal,
  ): Promise<TreeFault[]> {
    const whole = (fault: TreeFault['fault'], reason: string): TreeFault[] => [
      { package: name, version, path: '', fault, reason },
    ];
    let found: Awaited<ReturnType<Trees['manifest']>>;
    try {
      found = await this.#trees.manifest(name, version);
    } catch (error) {
      return whole('changed', (error as Error).message);
    }
    if (found === null) return whole('missing', 'its manifest is missing');
    if (found.digest !== digest) return whole('changed', 'its manifest is not the one that was installed');
    return await this.#trees.faults(found.manifest, signal);
  }

  /** Takes away what neither the current nor the previous version of a package needs. */
  async collect(asker: Asker): Promise<Collected> {
    return await this.#change(asker, () =>
      collect(this.#parts.disk, this.layout, this.#trees, this.#generations),
    );
  }

  #switch(wished: ReadonlyMap<string, string | null>, asker: Asker, isUndo = false): Promise<Generation> {
    const { by, signal } = asker;
    return switchPackages(this.#switchParts(asker), wished, { by, isUndo, ...(signal && { signal }) });
  }

  #switchParts({ log }: Pick<Asker, 'log'>): SwitchParts {
    return {
      layout: this.layout,
      trees: this.#trees,
      generations: this.#generations,
      run: this.#parts.run,
      log,
    };
  }

  /** A change, after what another one left behind is ended. */
  #change<T>(asker: Asker, change: () => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      asker.signal?.throwIfAborted();
      await this.layout.make(this.#parts.disk);
      await recover(this.#switchParts(asker));
      try {
        return await change();
      } catch (error) {
        // What was being made takes room, which may be just what was lacking. The error of before says more than one here.
        await this.#tidyUp().catch(() => {});
        throw error;
      }
    });
  }

  async #tidyUp(): Promise<void> {
    if ((await this.#generations.pending()) === null) await this.#generations.tidy();
  }

  /** One after another here, and one process at a time. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const lock = this.#parts.lock(this.layout.lock);
      try {
        return await work();
      } finally {
        lock.release();
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

const versionsBefore = (placed: readonly (readonly [string, PlacedPackage])[]): Map<string, string | null> =>
  new Map(placed.map(([name, each]) => [name, previousOf(each)]));

const add = (a: Fetched, b: Fetched): Fetched => ({
  contents: a.contents + b.contents,
  bytes: a.bytes + b.bytes,
  hadContents: a.hadContents + b.hadContents,
  hadBytes: a.hadBytes + b.hadBytes,
});

function notHere(name: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_NOT_FOUND', `${name} is not installed on this host`, { where: name });
}
