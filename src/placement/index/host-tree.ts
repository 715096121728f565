import { grown } from '../inventory/claim-book.ts';
import type { HostTable } from '../inventory/host-table.ts';
import { CPU, DISK, GPU_FREE, GPU_PART, MEM, ORDER, ROW, STRAND, VMS } from '../inventory/row.ts';

/** Hosts in a leaf at most. */
export const LEAF = 8;
/** Places of a row by which hosts are told apart; those that are alike in all of them, by their order. */
const AXES = [CPU, MEM, VMS, DISK, GPU_FREE, GPU_PART, STRAND] as const;
/** Places of a node in the arrays of limits: its least figures, then its greatest. A search mostly wants both, and both children's. */
export const BOX = 2 * ROW;
/** A subtree that has doubled is built anew when one side has more than this part of it. */
const LOPSIDED = 0.75;
const SAMPLE = 31;

/**
 * Hosts in binary trees, each split at some figure of a row, with the least and greatest figures of everything below at every node:
 * a search passes by whatever cannot have the room, or cannot be better than what it has. Hosts that are alike are neighbours, so the
 * limits are narrow. A tree for each class of hosts; all share the arrays here.
 */
export class HostTree {
  readonly #table: HostTable;
  /** Of a node from `BOX` times its number on; `hi` is the same memory, seen from its first greatest figure on. */
  lo = new Float64Array(64 * BOX);
  hi = this.lo.subarray(ROW);
  /** Children; -1 at a leaf. */
  left = new Int32Array(64).fill(-1);
  right = new Int32Array(64).fill(-1);
  /** Hosts of a leaf, and how many; of a node, how many are below. */
  items = new Int32Array(64 * LEAF);
  weight = new Int32Array(64);
  /** How many were below an inner node when it was made. */
  #built = new Int32Array(64);
  #parent = new Int32Array(64);
  #axis = new Int32Array(64);
  #cut = new Float64Array(64);
  #end = 0;
  #free: number[] = [];
  /** Leaf of each host; -1 for none. */
  #leafOf = new Int32Array(64).fill(-1);

  constructor(table: HostTable) {
    this.#table = table;
  }

  /** Whether the host is in a tree. */
  has(host: number): boolean {
    return (this.#leafOf[host] ?? -1) >= 0;
  }

  /** Puts a host into the tree of this root (-1: a new one); answers the root. */
  insert(root: number, host: number): number {
    if (host >= this.#leafOf.length) this.#growHosts(host);
    if (root < 0) {
      const leaf = this.#node(-1);
      this.#fill(leaf, host);
      return leaf;
    }
    const rows = this.#table.rows;
    let node = root;
    let lopsided = -1;
    while (this.left[node]! >= 0) {
      this.weight[node]! += 1;
      this.#widen(node, rows, host * ROW);
      node = this.#childFor(node, host);
      const above = this.#parent[node]!;
      const weight = this.weight[above]!;
      if (lopsided < 0 && weight > 2 * this.#built[above]! && this.weight[node]! >= LOPSIDED * weight)
        lopsided = above;
    }
    this.#fill(node, host);
    if (lopsided >= 0) return this.#buildAnew(lopsided, root);
    if (this.weight[node] === LEAF) this.#split(node);
    return root;
  }

  /** Takes a host out of the tree of this root; answers the root, -1 when nothing is left. */
  remove(root: number, host: number): number {
    const leaf = this.#leafOf[host]!;
    this.#leafOf[host] = -1;
    const items = leaf * LEAF;
    const last = items + this.weight[leaf]! - 1;
    let place = items;
    while (this.items[place] !== host) place += 1;
    this.items[place] = this.items[last]!;
    for (let node = leaf; node >= 0; node = this.#parent[node]!) this.weight[node]! -= 1;
    if (this.weight[leaf]! > 0) {
      this.#refit(leaf);
      return root;
    }
    return this.#spliceOut(leaf, root);
  }

  /** Follows a host whose figures have changed. */
  update(root: number, host: number): number {
    const leaf = this.#leafOf[host]!;
    let node = root;
    while (this.left[node]! >= 0) node = this.#childFor(node, host);
    if (node === leaf) {
      this.#refit(leaf);
      return root;
    }
    return this.insert(this.remove(root, host), host);
  }

  /** A balanced tree of these hosts, which are in none; answers the root. */
  build(hosts: Int32Array): number {
    for (const host of hosts) if (host >= this.#leafOf.length) this.#growHosts(host);
    return hosts.length === 0 ? -1 : this.#build(hosts, this.#node(-1));
  }

  /** Gives a tree's nodes back; its hosts are in none. */
  clear(root: number): void {
    if (root >= 0) this.#collect(root, new Int32Array(this.weight[root]!), 0);
  }

  branch(table: HostTable): HostTree {
    const branch = new HostTree(table);
    branch.lo = this.lo.slice();
    branch.hi = branch.lo.subarray(ROW);
    branch.left = this.left.slice();
    branch.right = this.right.slice();
    branch.items = this.items.slice();
    branch.weight = this.weight.slice();
    branch.#built = this.#built.slice();
    branch.#parent = this.#parent.slice();
    branch.#axis = this.#axis.slice();
    branch.#cut = this.#cut.slice();
    branch.#end = this.#end;
    branch.#free = this.#free.slice();
    branch.#leafOf = this.#leafOf.slice();
    return branch;
  }

  #fill(leaf: number, host: number): void {
    this.items[leaf * LEAF + this.weight[leaf]!] = host;
    this.weight[leaf]! += 1;
    this.#leafOf[host] = leaf;
    this.#widen(leaf, this.#table.rows, host * ROW);
  }

  #childFor(node: number, host: number): number {
    const goesLeft = this.#figure(host, this.#axis[node]!) < this.#cut[node]!;
    return goesLeft ? this.left[node]! : this.right[node]!;
  }

  #figure(host: number, axis: number): number {
    return this.#table.rows[host * ROW + axis]!;
  }

  #widen(node: number, rows: Float64Array, from: number): void {
    const to = node * BOX;
    for (let place = 0; place < ROW; place += 1) {
      const figure = rows[from + place]!;
      if (figure < this.lo[to + place]!) this.lo[to + place] = figure;
      if (figure > this.hi[to + place]!) this.hi[to + place] = figure;
    }
  }

  /** Limits of a leaf from its hosts, then those above as far as they change. */
  #refit(leaf: number): void {
    const { rows } = this.#table;
    this.#empty(leaf);
    const items = leaf * LEAF;
    const end = items + this.weight[leaf]!;
    for (let item = items; item < end; item += 1) this.#widen(leaf, rows, this.items[item]! * ROW);
    this.#refitAbove(leaf);
  }

  #refitAbove(from: number): void {
    const { lo, hi } = this;
    for (let node = this.#parent[from]!; node >= 0; node = this.#parent[node]!) {
      const to = node * BOX;
      const left = this.left[node]! * BOX;
      const right = this.right[node]! * BOX;
      let changed = false;
      for (let place = 0; place < ROW; place += 1) {
        const least = Math.min(lo[left + place]!, lo[right + place]!);
        const most = Math.max(hi[left + place]!, hi[right + place]!);
        if (least === lo[to + place]! && most === hi[to + place]!) continue;
        lo[to + place] = least;
        hi[to + place] = most;
        changed = true;
      }
      if (!changed) return;
    }
  }

  /** An empty leaf goes, and its sibling takes the place of their parent. */
  #spliceOut(leaf: number, root: number): number {
    const parent = this.#parent[leaf]!;
    this.#free.push(leaf);
    if (parent < 0) return -1;
    const sibling = this.left[parent] === leaf ? this.right[parent]! : this.left[parent]!;
    const above = this.#parent[parent]!;
    this.#parent[sibling] = above;
    this.#free.push(parent);
    if (above < 0) return sibling;
    if (this.left[above] === parent) this.left[above] = sibling;
    else this.right[above] = sibling;
    this.#refitAbove(sibling);
    return root;
  }

  #split(leaf: number): void {
    const hosts = this.items.slice(leaf * LEAF, leaf * LEAF + this.weight[leaf]!);
    this.#divide(leaf, hosts);
  }

  #buildAnew(node: number, root: number): number {
    const parent = this.#parent[node]!;
    const isLeft = parent >= 0 && this.left[parent] === node;
    const hosts = new Int32Array(this.weight[node]!);
    this.#collect(node, hosts, 0);
    const built = this.#build(hosts, this.#node(parent));
    if (parent < 0) return built;
    if (isLeft) this.left[parent] = built;
    else this.right[parent] = built;
    this.#refitAbove(built);
    return root;
  }

  /** Hosts below a node into an array, from a place on; the nodes are free afterwards. Answers the next place. */
  #collect(node: number, into: Int32Array, at: number): number {
    this.#free.push(node);
    if (this.left[node]! >= 0)
      return this.#collect(this.right[node]!, into, this.#collect(this.left[node]!, into, at));
    for (let item = 0; item < this.weight[node]!; item += 1) {
      const host = this.items[node * LEAF + item]!;
      into[at + item] = host;
      this.#leafOf[host] = -1;
    }
    return at + this.weight[node]!;
  }

  /** Fills an empty node; answers it. */
  #build(hosts: Int32Array, node: number): number {
    if (hosts.length < LEAF) {
      for (const host of hosts) this.#fill(node, host);
      return node;
    }
    const { rows } = this.#table;
    for (const host of hosts) this.#widen(node, rows, host * ROW);
    this.#divide(node, hosts);
    return node;
  }

  /** Makes an inner node of one whose limits are right. */
  #divide(node: number, hosts: Int32Array): void {
    const axis = this.#widestAxis(node);
    const cut = this.#middle(hosts, axis);
    let low = 0;
    let high = hosts.length;
    while (low < high) {
      const host = hosts[low]!;
      if (this.#figure(host, axis) < cut) low += 1;
      else {
        high -= 1;
        hosts[low] = hosts[high]!;
        hosts[high] = host;
      }
    }
    this.weight[node] = hosts.length;
    this.#built[node] = hosts.length;
    this.#axis[node] = axis;
    this.#cut[node] = cut;
    // Made together, so that they mostly are neighbours in memory.
    const left = this.#node(node);
    const right = this.#node(node);
    this.left[node] = left;
    this.right[node] = right;
    this.#build(hosts.subarray(0, low), left);
    this.#build(hosts.subarray(low), right);
  }

  /** The axis on which the hosts lie farthest apart, measured by the greatest figure there: all figures have the same weight. */
  #widestAxis(node: number): number {
    let widest: number = ORDER;
    let most = 0;
    for (const axis of AXES) {
      const high = this.hi[node * BOX + axis]!;
      const low = this.lo[node * BOX + axis]!;
      const width = (high - low) / Math.max(Math.abs(high), Math.abs(low), 1);
      if (width <= most) continue;
      most = width;
      widest = axis;
    }
    return widest;
  }

  /** A figure with hosts on both sides of it, near the middle. */
  #middle(hosts: Int32Array, axis: number): number {
    const figures = new Float64Array(Math.min(hosts.length, SAMPLE));
    const step = hosts.length / figures.length;
    for (let at = 0; at < figures.length; at += 1)
      figures[at] = this.#figure(hosts[Math.floor(at * step)]!, axis);
    figures.sort();
    let least = Number.POSITIVE_INFINITY;
    for (const host of hosts) least = Math.min(least, this.#figure(host, axis));
    const middle = figures[figures.length >> 1]!;
    if (middle > least) return middle;
    const above = figures.find(figure => figure > least);
    if (above !== undefined) return above;
    let most = Number.NEGATIVE_INFINITY;
    for (const host of hosts) most = Math.max(most, this.#figure(host, axis));
    return most;
  }

  #node(parent: number): number {
    const node = this.#free.pop() ?? this.#end++;
    if (node >= this.weight.length) this.#growNodes();
    this.left[node] = -1;
    this.right[node] = -1;
    this.weight[node] = 0;
    this.#parent[node] = parent;
    this.#empty(node);
    return node;
  }

  #empty(node: number): void {
    this.lo.fill(Number.POSITIVE_INFINITY, node * BOX, node * BOX + ROW);
    this.hi.fill(Number.NEGATIVE_INFINITY, node * BOX, node * BOX + ROW);
  }

  #growNodes(): void {
    const room = 2 * this.weight.length;
    this.lo = grown(this.lo, new Float64Array(room * BOX));
    this.hi = this.lo.subarray(ROW);
    this.left = grown(this.left, new Int32Array(room));
    this.right = grown(this.right, new Int32Array(room));
    this.items = grown(this.items, new Int32Array(room * LEAF));
    this.weight = grown(this.weight, new Int32Array(room));
    this.#built = grown(this.#built, new Int32Array(room));
    this.#parent = grown(this.#parent, new Int32Array(room));
    this.#axis = grown(this.#axis, new Int32Array(room));
    this.#cut = grown(this.#cut, new Float64Array(room));
  }

  #growHosts(host: number): void {
    const leafOf = new Int32Array(Math.max(host + 1, 2 * this.#leafOf.length)).fill(-1);
    leafOf.set(this.#leafOf);
    this.#leafOf = leafOf;
  }
}
