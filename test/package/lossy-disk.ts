/**
 * A disk in memory that loses power. Of what was changed since the last sync of a folder, or of a file, any part may have
 * lasted: each change of a folder by itself, in any choice, a file's bytes wholly, partly or not at all. A rename is one
 * change, though it is made in two folders: so it is on every file system with a journal.
 */
import type { Disk, Standing } from '../../src/package/store/disk.ts';

/** Thrown by every operation from the loss of power on. */
export class PowerLost extends Error {}

interface Node {
  type: 'file' | 'folder' | 'link';
  mode: number;
  /** Of a file: what is there, and what is sure to last. */
  bytes: Buffer;
  lasting: Buffer;
  target: string;
  /** Of a folder: what is there, and what is sure to last. */
  names: Map<string, Node>;
  lastingNames: Map<string, Node>;
  /** Changes since the last sync. */
  changes: Change[];
}

interface Change {
  readonly name: string;
  readonly node: Node | null;
  /** The other half of a rename. */
  twin: { readonly folder: Node; readonly change: Change } | null;
}

const EMPTY = Buffer.alloc(0);
const nodeOf = (type: Node['type'], more: Partial<Node> = {}): Node => ({
  type,
  mode: type === 'folder' ? 0o755 : 0o777,
  bytes: EMPTY,
  lasting: EMPTY,
  target: '',
  names: new Map(),
  lastingNames: new Map(),
  changes: [],
  ...more,
});

/** What becomes of what was not made to last: of `total` changes, does this one last? Of `total` bytes, how many? */
export interface Fate {
  lasts(): boolean;
  bytes(total: number): number;
}

export const FATES: readonly Fate[] = [
  { lasts: () => false, bytes: () => 0 },
  { lasts: () => true, bytes: () => 0 },
  { lasts: () => true, bytes: total => total },
];

/** A fate by chance, the same for the same seed. */
export function chance(seed: number): Fate {
  let state = seed * 2654435761 + 1;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return state / 2 ** 32;
  };
  return { lasts: () => next() < 0.5, bytes: total => Math.floor(next() * (total + 1)) };
}

/** A change lasts, and with it those of the same name before it. */
function makeLast(folder: Node, change: Change): void {
  const at = folder.changes.indexOf(change);
  if (at < 0) return;
  const { name, node } = change;
  if (node === null) folder.lastingNames.delete(name);
  else folder.lastingNames.set(name, node);
  folder.changes = folder.changes.filter((each, index) => each.name !== name || index > at);
}

export class LossyDisk implements Disk {
  readonly #root: Node;
  /** Operations that change something, so far. */
  operations = 0;
  /** Power is lost before this operation. */
  readonly #endsAt: number;

  constructor(endsAt = Number.POSITIVE_INFINITY, root: Node = nodeOf('folder')) {
    this.#endsAt = endsAt;
    this.#root = root;
  }

  /** The disk as it is found when power comes back; power is lost again before that operation. */
  afterLoss(fate: Fate, endsAt?: number): LossyDisk {
    const copies = new Map<Node, Node>();
    const decided = new Map<Change, boolean>();
    const lasts = (change: Change): boolean => {
      const known = decided.get(change) ?? fate.lasts();
      decided.set(change, known);
      if (change.twin !== null) decided.set(change.twin.change, known);
      return known;
    };
    const copy = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const bytes = node.bytes.equals(node.lasting)
        ? node.lasting
        : Buffer.concat([node.lasting, node.bytes.subarray(0, fate.bytes(node.bytes.length))]);
      const fresh = nodeOf(node.type, { mode: node.mode, target: node.target, bytes, lasting: bytes });
      copies.set(node, fresh);
      const names = new Map(node.lastingNames);
      for (const change of node.changes) {
        const { name, node: changed } = change;
        if (!lasts(change)) continue;
        if (changed === null) names.delete(name);
        else names.set(name, changed);
      }
      for (const [name, inner] of names) fresh.names.set(name, copy(inner));
      fresh.lastingNames = new Map(fresh.names);
      return fresh;
    };
    return new LossyDisk(endsAt, copy(this.#root));
  }

  #step(): void {
    if (++this.operations >= this.#endsAt) {
      this.operations = this.#endsAt;
      throw new PowerLost();
    }
  }

  #alive(): void {
    if (this.operations >= this.#endsAt) throw new PowerLost();
  }

  #find(path: string): Node | null {
    let at: Node | undefined = this.#root;
    for (const name of path.split('/').filter(Boolean)) {
      if (at?.type !== 'folder') return null;
      at = at.names.get(name);
    }
    return at ?? null;
  }

  #folder(path: string): { folder: Node; name: string } {
    const cut = path.lastIndexOf('/');
    const folder = this.#find(path.slice(0, cut));
    if (folder?.type !== 'folder') throw Object.assign(new Error(`ENOENT ${path}`), { code: 'ENOENT' });
    return { folder, name: path.slice(cut + 1) };
  }

  #change(path: string, node: Node | null, mayReplace = false): { folder: Node; change: Change } {
    const { folder, name } = this.#folder(path);
    if (node !== null && !mayReplace && folder.names.has(name)) throw new Error(`EEXIST ${path}`);
    if (node === null) folder.names.delete(name);
    else folder.names.set(name, node);
    const change: Change = { name, node, twin: null };
    folder.changes.push(change);
    return { folder, change };
  }

  async makeFolder(path: string): Promise<void> {
    this.#step();
    if (this.#find(path) === null) this.#change(path, nodeOf('folder'));
  }

  async write(
    path: string,
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    mode: number,
  ): Promise<void> {
    this.#step();
    const node = nodeOf('file', { mode: 0o600 });
    this.#change(path, node);
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) {
      pieces.push(piece);
      this.#step();
      node.bytes = Buffer.concat(pieces);
    }
    this.#step();
    node.mode = mode;
    this.#step();
    node.lasting = node.bytes;
  }

  async link(from: string, to: string): Promise<void> {
    this.#step();
    const node = this.#find(from);
    if (node?.type !== 'file') throw new Error(`no file to link: ${from}`);
    this.#change(to, node);
  }

  async symlink(target: string, path: string): Promise<void> {
    this.#step();
    this.#change(path, nodeOf('link', { target }));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    const node = this.#find(from);
    const replaced = this.#find(to);
    if (node === null) throw new Error(`ENOENT ${from}`);
    if (replaced !== null && (replaced.type === 'folder' || node.type === 'folder'))
      throw new Error(`EEXIST ${to}`);
    const there = this.#change(to, node, true);
    const gone = this.#change(from, null);
    there.change.twin = gone;
    gone.change.twin = there;
  }

  async unlink(path: string): Promise<void> {
    this.#step();
    const node = this.#find(path);
    if (node?.type === 'folder') throw new Error(`EISDIR ${path}`);
    if (node !== null) this.#change(path, null);
  }

  async removeFolder(path: string): Promise<void> {
    this.#step();
    const node = this.#find(path);
    if (node === null) return;
    if (node.names.size > 0) throw new Error(`ENOTEMPTY ${path}`);
    this.#change(path, null);
  }

  async syncFolder(path: string): Promise<void> {
    this.#step();
    const node = this.#find(path);
    if (node?.type !== 'folder') throw new Error(`no folder to sync: ${path}`);
    const twins = node.changes.flatMap(({ twin }) => twin ?? []);
    node.lastingNames = new Map(node.names);
    node.changes = [];
    for (const { folder, change } of twins) makeLast(folder, change);
  }

  async look(path: string): Promise<Standing | null> {
    this.#alive();
    const node = this.#find(path);
    return node && { type: node.type, mode: node.mode, size: node.bytes.length, links: 1 };
  }

  async list(path: string): Promise<string[]> {
    this.#alive();
    return [...(this.#find(path)?.names.keys() ?? [])];
  }

  async readLink(path: string): Promise<string | null> {
    this.#alive();
    const node = this.#find(path);
    return node?.type === 'link' ? node.target : null;
  }

  async *read(path: string): AsyncGenerator<Uint8Array> {
    this.#alive();
    const node = this.#find(path);
    if (node?.type !== 'file') throw new Error(`no file to read: ${path}`);
    yield node.bytes;
  }

  /** Changes a file behind everybody's back. */
  spoil(path: string, text: string): void {
    const node = this.#find(path);
    if (node?.type !== 'file') throw new Error(`no file to spoil: ${path}`);
    node.bytes = Buffer.from(text);
    node.lasting = node.bytes;
  }
}
