import { FILTERS } from '../filters/all.ts';
import type { Filter } from '../filters/filter.ts';
import type { HostTable } from '../inventory/host-table.ts';
import { HostView } from '../inventory/host-view.ts';
import { hasRoom, ORDER, ROW } from '../inventory/row.ts';
import { packDevices } from '../packing/pack-cost.ts';
import type { Scoring } from '../policies/policy.ts';
import type { Query } from '../query.ts';
import { readLeaf, readNodes } from '../read-ahead.ts';
import { isOwn, type Shard } from '../shard.ts';
import type { HostBox } from '../weighers/weigher.ts';
import { BestOf, type Candidate } from './best-of.ts';
import { type HostClass, hasBit } from './class-masks.ts';
import type { HostClasses } from './host-classes.ts';
import { BOX, LEAF } from './host-tree.ts';

/** Below this many, looking at each of a list is the quickest way. */
const FEW = 256;

/** Rules that may ask something beyond what `hasRoom` compares. */
const ASKED: readonly Filter[] = FILTERS.filter(filter => filter.isAsked !== undefined);

export interface SearchOptions {
  /** How many are wanted. */
  readonly limit: number;
  /** Only hosts of this shard. */
  readonly shard?: Shard | undefined;
  /** Bits that decide between equals; 0 for always the same way. */
  readonly bits: number;
}

/** Finds the best hosts for a query; exactly those that looking at every host would find, or equals of them. */
export class Search {
  readonly #table: HostTable;
  readonly #classes: HostClasses;
  readonly #view: HostView;
  readonly #box: HostBox;
  readonly #nodes = new Int32Array(4096);
  readonly #bounds = new Float64Array(4096);
  /** Hosts of a leaf that could be better than what was found, and their bounds. */
  readonly #leafHosts = new Int32Array(LEAF);
  readonly #leafBounds = new Float64Array(LEAF);
  /** Classes that could have a host for the query, and the bounds of their roots. */
  readonly #classNumbers: number[] = [];
  readonly #classBounds: number[] = [];

  constructor(table: HostTable, classes: HostClasses) {
    this.#table = table;
    this.#classes = classes;
    this.#view = new HostView(table);
    const none = new Float64Array(ROW);
    this.#box = { lo: none, hi: none, at: 0, hasGpus: false, modelShareLo: 0, modelShareHi: 0 };
  }

  best(query: Query, scoring: Scoring, options: SearchOptions): readonly Candidate[] {
    this.#classes.settle();
    const few = this.#classes.few(query);
    const run = new Run(query, scoring, options, this.#view);
    if (few !== null && few.length <= FEW) return this.#lookAtEach(few, run);
    // Where the rules refuse more hosts than a list has, the list would have been the shorter way.
    if (few !== null) run.patience = few.length;
    if (this.#lookIntoClasses(run, options.bits)) return run.best.found;
    return this.#lookAtEach(few!, new Run(query, scoring, options, this.#view));
  }

  #lookAtEach(few: readonly number[], run: Run): readonly Candidate[] {
    for (const at of few) {
      if (this.#classes.isUp(at) && hasRoom(this.#table.rows, at * ROW, run.query)) run.visit(at);
    }
    return run.best.found;
  }

  /** False when it lost its patience. */
  #lookIntoClasses(run: Run, bits: number): boolean {
    const { tree, classes } = this.#classes;
    const box = this.#box;
    box.lo = tree.lo;
    box.hi = tree.hi;
    const { query, scoring, best } = run;
    const { suiting, certain } = this.#classes.masks(query);
    const numbers = this.#classNumbers;
    const bounds = this.#classBounds;
    const { group } = query.request;
    const asksGroup = group?.hard === true && group.scope !== 'host' && query.groupHosts.length > 0;
    let count = 0;
    let first = -1;
    for (let word = 0; word < suiting.length; word += 1) {
      for (let left = suiting[word]!; left !== 0; left &= left - 1) {
        const number = 32 * word + 31 - Math.clz32(left & -left);
        const of = classes[number]!;
        if (of.root < 0 || !hasRoom(tree.hi, of.root * BOX, query)) continue;
        if (asksGroup && !this.#classes.suitsGroup(of, query)) continue;
        this.#setClass(of);
        box.at = of.root * BOX;
        const bound = scoring.most(box, query.request);
        if (first < 0 || bound > bounds[first]!) first = count;
        numbers[count] = number;
        bounds[count] = bound;
        count += 1;
      }
    }
    if (first < 0) return true;
    // The most promising class, then the others in their order.
    for (let turn = -1; turn < count; turn += 1) {
      const place = turn < 0 ? first : turn;
      const of = classes[numbers[place]!]!;
      const bound = bounds[place]!;
      if (turn === first || !best.takes(run.rankMost, bound, tree.lo[of.root * BOX + ORDER]!)) continue;
      run.inClass(hasBit(certain, numbers[place]!));
      if (!this.#descend(of, bound, run, bits)) return false;
    }
    return true;
  }

  #setClass({ model, hasGpus }: HostClass): void {
    const box = this.#box;
    box.hasGpus = hasGpus;
    if (!hasGpus) return;
    const share = model === null ? null : this.#table.modelShare(model);
    box.modelShareLo = share ?? 0;
    box.modelShareHi = share ?? 1;
  }

  /** Better child first; whatever cannot be better than what was found is passed by. */
  #descend(of: HostClass, rootBound: number, run: Run, bits: number): boolean {
    this.#setClass(of);
    const { tree } = this.#classes;
    const { left, right, lo, hi } = tree;
    const { query, best } = run;
    const nodes = this.#nodes;
    const bounds = this.#bounds;
    let depth = 1;
    let ties = bits;
    nodes[0] = of.root;
    bounds[0] = rootBound;
    while (depth > 0) {
      depth -= 1;
      const node = nodes[depth]!;
      if (!best.takes(run.rankMost, bounds[depth]!, lo[node * BOX + ORDER]!)) continue;
      const one = left[node]!;
      if (one < 0) {
        if (!this.#lookIntoLeaf(node, run, bits)) return false;
        continue;
      }
      const other = right[node]!;
      readNodes(tree, one, other);
      const oneBound = hasRoom(hi, one * BOX, query) ? this.#bound(one, run) : Number.NaN;
      const otherBound = hasRoom(hi, other * BOX, query) ? this.#bound(other, run) : Number.NaN;
      // Of a linear congruential generator the highest bit is the best one.
      if (bits !== 0) ties = (Math.imul(ties, 1664525) + 1013904223) | 0;
      const oneFirst =
        oneBound > otherBound ||
        (oneBound === otherBound && (bits === 0 ? this.#isFirst(one, other) : ties < 0));
      // What is on top of the stack comes first; a child without room is never put there.
      const first = oneFirst ? one : other;
      const firstBound = oneFirst ? oneBound : otherBound;
      const second = oneFirst ? other : one;
      const secondBound = oneFirst ? otherBound : oneBound;
      if (!Number.isNaN(secondBound)) {
        nodes[depth] = second;
        bounds[depth++] = secondBound;
      }
      if (!Number.isNaN(firstBound)) {
        nodes[depth] = first;
        bounds[depth++] = firstBound;
      }
    }
    return true;
  }

  /** Whether the lowest number is below the one node rather than the other. */
  #isFirst(one: number, other: number): boolean {
    const { lo } = this.#classes.tree;
    return lo[one * BOX + ORDER]! < lo[other * BOX + ORDER]!;
  }

  #bound(node: number, run: Run): number {
    this.#box.at = node * BOX;
    return run.scoring.most(this.#box, run.query.request);
  }

  #lookIntoLeaf(leaf: number, run: Run, bits: number): boolean {
    const { items, weight, lo, hi } = this.#classes.tree;
    const { rows } = this.#table;
    const count = weight[leaf]!;
    const { best, scoring, query } = run;
    const box = this.#box;
    const start = bits === 0 ? 0 : (bits >>> 8) % count;
    readLeaf(this.#table, this.#classes.tree, leaf, box.hasGpus);
    // The limits of a single host are nearly its score, and quicker to tell.
    box.lo = rows;
    box.hi = rows;
    const hosts = this.#leafHosts;
    const bounds = this.#leafBounds;
    let fitting = 0;
    let first = 0;
    for (let step = 0; step < count; step += 1) {
      const at = items[leaf * LEAF + ((start + step) % count)]!;
      if (!hasRoom(rows, at * ROW, query)) continue;
      box.at = at * ROW;
      const bound = scoring.most(box, query.request);
      if (!best.takes(run.rankMost, bound, at)) continue;
      hosts[fitting] = at;
      bounds[fitting] = bound;
      if (bits === 0 && bound > bounds[first]!) first = fitting;
      fitting += 1;
    }
    box.lo = lo;
    box.hi = hi;
    if (fitting === 0) return true;
    // The most promising one first: mostly no other is then worth a visit. Where chance decides between equals, it has decided already.
    for (let turn = -1; turn < fitting; turn += 1) {
      const place = turn < 0 ? first : turn;
      if (turn === first || (turn >= 0 && !best.takes(run.rankMost, bounds[place]!, hosts[place]!))) continue;
      if (!run.visit(hosts[place]!)) {
        run.patience -= 1;
        if (run.patience < 0) return false;
      }
    }
    return true;
  }
}

/** One search: which rules are left to ask of each host, and what was found. */
class Run {
  readonly query: Query;
  readonly scoring: Scoring;
  readonly best: BestOf;
  /** The best rank that any host may have. */
  readonly rankMost: number;
  /** Hosts that may be refused before the search is given up. */
  patience = Number.POSITIVE_INFINITY;
  readonly #view: HostView;
  /** Rules to ask of each host: all that ask something, and those that its class may not pass as a whole. */
  readonly #asked: Filter[] = [];
  readonly #askedOfHosts: Filter[] = [];
  #checks: readonly Filter[];
  readonly #shard: Shard | undefined;
  readonly #rule: 'affinity' | 'anti-affinity' | null;

  constructor(query: Query, scoring: Scoring, options: SearchOptions, view: HostView) {
    this.query = query;
    this.scoring = scoring;
    this.best = new BestOf(options.limit, options.bits === 0);
    this.#view = view;
    for (const filter of ASKED) {
      if (!filter.isAsked!(query)) continue;
      this.#asked.push(filter);
      if (!filter.isOfClass) this.#askedOfHosts.push(filter);
    }
    this.#checks = this.#asked;
    this.#shard = options.shard;
    const group = query.request.group;
    this.#rule = group === null || group.hard ? null : group.rule;
    this.rankMost = this.#rule === 'affinity' ? 1 : 0;
  }

  /** The next hosts are of one class. */
  inClass(isCertain: boolean): void {
    this.#checks = isCertain ? this.#askedOfHosts : this.#asked;
  }

  /** Asks the rules that have not been asked, and weighs. False when one of them refused the host. */
  visit(at: number): boolean {
    const { query, scoring } = this;
    const { request } = query;
    const view = this.#view;
    view.at = at;
    for (const check of this.#checks) if (!check.passes(view, query)) return false;
    for (const own of scoring.filters) if (!own.passes(view, request)) return false;
    if (this.#shard && !isOwn(view.name, this.#shard)) return false;
    const devices = packDevices(view.gpuMilliFree, request)!;
    const score = scoring.score(view, request, devices);
    const rank = this.#rule === null ? 0 : rankOf(this.#rule, query.membersNear(view));
    if (this.best.takes(rank, score, at)) this.best.offer({ at, rank, score, devices });
    return true;
  }
}

/** How well a host keeps a soft rule: where the group is, or where the fewest of it are. */
export const rankOf = (rule: 'affinity' | 'anti-affinity', members: number): number =>
  rule === 'affinity' ? Math.min(members, 1) : 0 - members;
