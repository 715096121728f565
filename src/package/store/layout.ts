import type { FileEntry } from '../format/manifest.ts';
import type { Disk } from './disk.ts';

/** How a file of a package stands on a host: nobody writes to it. */
export const modeOnHost = (entry: FileEntry): number => (entry.mode === '0755' ? 0o555 : 0o444);

/** Where everything of the packages of a host lies, below one folder on one file system. */
export class Layout {
  readonly root: string;
  /** The one link that says which packages, in which versions, stand on this host: to a folder of `generations`. */
  readonly current: string;
  /** Says that a switch is under way; see Generations. */
  readonly pending: string;
  readonly content: string;
  readonly versions: string;
  readonly generations: string;
  /** What is being made, or taken away. Nothing in it is of any worth to the next one who comes. */
  readonly staging: string;
  readonly lock: string;

  constructor(root: string) {
    this.root = root;
    this.current = `${root}/current`;
    this.pending = `${root}/pending.json`;
    this.content = `${root}/content`;
    this.versions = `${root}/versions`;
    this.generations = `${root}/generations`;
    this.staging = `${root}/staging`;
    this.lock = `${root}/lock`;
  }

  /** A file's mode belongs to the file, not to its names: so what is executable lies apart. */
  contentFolder = ({ sha256 }: Pick<FileEntry, 'sha256'>): string => `${this.content}/${sha256.slice(0, 2)}`;
  contentFile = (entry: FileEntry): string =>
    `${this.contentFolder(entry)}/${entry.sha256}${entry.mode === '0755' ? '.x' : ''}`;
  tree = (name: string, version: string): string => `${this.versions}/${name}/${version}`;
  files = (name: string, version: string): string => `${this.tree(name, version)}/files`;
  manifest = (name: string, version: string): string => `${this.tree(name, version)}/manifest.json`;
  generation = (number: number): string => `${this.generations}/${number}`;

  /** Makes the folders that all else lies in, to last. */
  async make(disk: Disk): Promise<void> {
    const missing: string[] = [];
    for (const folder of [this.content, this.versions, this.generations, this.staging])
      if ((await disk.look(folder)) === null) missing.push(folder);
    for (const folder of missing) await disk.makeFolder(folder);
    if (missing.length > 0) await disk.syncFolder(this.root);
  }
}
