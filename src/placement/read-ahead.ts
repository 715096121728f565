import { BOX, type HostTree, LEAF } from './index/host-tree.ts';
import type { HostTable } from './inventory/host-table.ts';
import { GPU_FREE, ROW, VMS } from './inventory/row.ts';
import type { PlacementRequest } from './request.ts';

/**
 * In a large fleet most of what a search reads is in memory that is far away, and most reads wait for the one before: for a name's slot, then
 * for the claim that it says. Reads that do not wait for each other are under way at once, ten and more of them, and take hardly longer than
 * one. So they are made ahead, here; what they answer is of no use but that the compiler keeps them.
 */
const unused = new Float64Array(1);
/** A row of figures is in three lines of the cache; these places are one in each. */
const LINE = 8;

/** Claims that names of the request mostly mean. */
const claims = new Int32Array(16);

/** Reads what looking up the VMs, the group and the first unwanted host of a request will read. */
export function readNames(table: HostTable, request: PlacementRequest): void {
  const { group, sameHostAs, differentHostFrom, exclude } = request;
  const { book } = table;
  let count = 0;
  if (group !== null) claims[count++] = book.guessGroup(group.name);
  for (let at = 0; at < differentHostFrom.length && count < claims.length; at += 1)
    claims[count++] = book.guessVm(differentHostFrom[at]!);
  for (let at = 0; at < sameHostAs.length && count < claims.length; at += 1)
    claims[count++] = book.guessVm(sameHostAs[at]!);
  const host = exclude.length > 0 ? table.guess(exclude[0]!) : -1;
  let read = host < 0 ? 0 : table.readName(host);
  for (let at = 0; at < count; at += 1) if (claims[at]! >= 0) read += book.readNames(claims[at]!);
  unused[0] = read;
}

/** Reads the limits of two nodes. */
export function readNodes({ lo, hi }: HostTree, one: number, other: number): void {
  const a = one * BOX;
  const b = other * BOX;
  unused[0] =
    hi[a]! +
    hi[a + LINE]! +
    hi[a + 2 * LINE]! +
    lo[a + GPU_FREE]! +
    lo[a + VMS]! +
    (hi[b]! + hi[b + LINE]! + hi[b + 2 * LINE]! + lo[b + GPU_FREE]! + lo[b + VMS]!);
}

/** Reads the figures of the hosts of a leaf. */
export function readLeaf(
  table: HostTable,
  { items, weight }: HostTree,
  leaf: number,
  hasGpus: boolean,
): void {
  const { rows } = table;
  const from = leaf * LEAF;
  const end = from + weight[leaf]!;
  let read = 0;
  for (let item = from; item < end; item += 1) {
    const row = items[item]! * ROW;
    read += rows[row]! + rows[row + LINE]! + rows[row + 2 * LINE]!;
  }
  if (hasGpus) for (let item = from; item < end; item += 1) read += table.readDevices(items[item]!);
  unused[0] = read;
}
