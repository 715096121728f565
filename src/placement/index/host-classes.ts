import type { PlacementHost } from '../host.ts';
import type { HostTable } from '../inventory/host-table.ts';
import { LayeredMap } from '../inventory/layered-map.ts';
import type { Query } from '../query.ts';
import { ClassMasks, type HostClass, LABEL } from './class-masks.ts';
import { HostTree } from './host-tree.ts';

/** A trait with more values than this tells no classes apart: its hosts are listed by value instead. */
const VALUES_MAX = 64;
/** With so many classes, a new one is no longer told apart by labels. */
const CLASSES_MAX = 512;
/** A value with more hosts than this is not listed: looking at each would take longer than a search. */
const LISTED_MAX = 4096;
/** Racks with more hosts than this are no short list. */
const IN_RACKS_MAX = 1024;
/** Changed hosts above this many, and above an eighth of all, are worth building every tree anew. */
const BUILD_AT = 2000;
/** In place of a host's class: it is not up; it is told at the next search. */
const NONE = -1;
const PENDING = -2;

/** Names of traits, and behind each its value: a hundred thousand hosts make no maps. */
type Traits = readonly string[];

/** Which hosts could suit a query by what they are, and a tree of each class of them. */
export class HostClasses {
  readonly #table: HostTable;
  tree: HostTree;
  #classes: HostClass[] = [];
  #byKey = new Map<string, number>();
  /** Class of each host that is up; -1 for none, -2 for one that is not known yet. */
  #classOf: number[] = [];
  /** Values of each trait; null when there are too many. */
  #values = new Map<string, Set<string> | null>();
  /** Names of the labels among those with too many. */
  #manyLabels = new Set<string>();
  /** Hosts by a trait of many values and one of them; null when there are too many. */
  #listed = new LayeredMap<readonly number[] | null>();
  /** Hosts whose label `host` is not their name. */
  #oddlyNamed = 0;
  /** A trait has become one of many values, and classes are still told apart by it. */
  #isStale = false;
  /** Null until the next search when classes have come or gone. */
  #masks: ClassMasks | null = null;
  #changed: number[] = [];
  #isChanged: boolean[] = [];
  /** Hosts whose class is not known yet, or has become known since. */
  #pending: number[] = [];
  /** Of `#listed`, those lists that no branch has. */
  #ownLists = new WeakSet<readonly number[]>();

  constructor(table: HostTable) {
    this.#table = table;
    this.tree = new HostTree(table);
  }

  /** Classes, for a search; call `settle` before. */
  get classes(): readonly HostClass[] {
    return this.#classes;
  }

  /** A host is new, or is another one than before. `old` is what it was. */
  put(at: number, old: PlacementHost | null): void {
    if (old !== null) this.remove(at, old);
    const host = this.#table.host(at)!;
    if (host.state !== 'up') return;
    if (isOddlyNamed(host)) this.#oddlyNamed += 1;
    const traits = traitsOf(host);
    for (let place = 0; place < traits.length; place += 2)
      this.#learn(traits[place]!, traits[place + 1]!, at);
    this.#classOf[at] = PENDING;
    this.#pending.push(at);
    // Into its tree before the next search: until then there may be so many that all are built anew.
    this.change(at);
  }

  remove(at: number, old: PlacementHost): void {
    const number = this.#classOf[at] ?? NONE;
    if (number === NONE) return;
    this.#classOf[at] = NONE;
    const of = this.#classes[number];
    if (of) {
      of.hosts -= 1;
      if (this.tree.has(at)) of.root = this.tree.remove(of.root, at);
    }
    if (isOddlyNamed(old)) this.#oddlyNamed -= 1;
    const traits = traitsOf(old);
    for (let place = 0; place < traits.length; place += 2) {
      const key = listKey(traits[place]!, traits[place + 1]!);
      const listed = this.#listed.get(key);
      if (!listed) continue;
      const own = this.#ownList(key, listed);
      const there = own.indexOf(at);
      if (there >= 0) own.splice(there, 1);
    }
  }

  /** The figures of a host have changed. */
  change(at: number): void {
    if (this.#isChanged[at]) return;
    this.#isChanged[at] = true;
    this.#changed.push(at);
  }

  /** Brings the trees up to date. */
  settle(): void {
    const changed = this.#changed;
    if (changed.length === 0 && !this.#isStale) return;
    const isStale = this.#isStale;
    if (isStale) this.#forgetClasses();
    this.#classify(isStale);
    if (isStale) this.#build();
    else if (changed.length > BUILD_AT && changed.length > this.#table.size / 8) this.#build();
    else {
      for (const at of changed) {
        const of = this.#classes[this.#classOf[at] ?? NONE];
        if (of) of.root = this.tree.has(at) ? this.tree.update(of.root, at) : this.tree.insert(of.root, at);
      }
    }
    for (const at of changed) this.#isChanged[at] = false;
    this.#changed = [];
  }

  /** Which classes could suit a request, but for its group. */
  masks({ request }: Query): ClassMasks {
    this.#masks ??= new ClassMasks(this.#classes, trait => this.#values.get(trait) === null);
    this.#masks.ask(request);
    return this.#masks;
  }

  /** Whether the zone or rack of the class may be one that the group's hard rule leaves. */
  suitsGroup({ traits }: HostClass, query: Query): boolean {
    const { group } = query.request;
    if (!group?.hard || group.scope === 'host' || query.members === null || query.members.size === 0)
      return true;
    const zone = traits.get('zone');
    const rack = traits.get('rack');
    if (zone === undefined || (group.scope === 'rack' && rack === undefined)) return true;
    const place = this.#table.placeNamed(group.scope, zone, rack ?? '');
    return query.members.has(place) === (group.rule === 'affinity');
  }

  /** The shortest list of hosts beside which no other can suit; null when there is none. */
  few(query: Query): readonly number[] | null {
    const { request } = query;
    let few: readonly number[] | null = null;
    const consider = (hosts: readonly number[] | null) => {
      if (hosts !== null && (few === null || hosts.length < few.length)) few = hosts;
    };
    if (query.sameHosts !== null) consider(query.sameHosts.numbers);
    const { group } = request;
    if (group?.hard && group.rule === 'affinity' && query.groupHosts.length > 0) {
      if (group.scope === 'host') consider(query.members!.numbers);
      if (group.scope === 'rack') consider(this.#inRacksOf(query.groupHosts));
    }
    for (const name in request.labels) {
      const value = request.labels[name]!;
      if (this.#manyLabels.has(name)) consider(this.#list(labelTrait(name), value));
      else if (name !== 'host') continue;
      else if (this.#oddlyNamed === 0) {
        const at = this.#table.find(value);
        consider(at < 0 ? [] : [at]);
      }
    }
    if (request.rack !== '') consider(this.#list('rack', request.rack));
    return few;
  }

  isUp(at: number): boolean {
    return (this.#classOf[at] ?? NONE) !== NONE;
  }

  branch(table: HostTable): HostClasses {
    this.settle();
    const branch = new HostClasses(table);
    branch.tree = this.tree.branch(table);
    branch.#classes = this.#classes.map(of => ({ ...of }));
    branch.#byKey = new Map(this.#byKey);
    branch.#classOf = this.#classOf.slice();
    branch.#values = new Map(
      [...this.#values].map(([trait, values]) => [trait, values === null ? null : new Set(values)]),
    );
    branch.#manyLabels = new Set(this.#manyLabels);
    branch.#listed = this.#listed.branch();
    this.#ownLists = new WeakSet();
    branch.#oddlyNamed = this.#oddlyNamed;
    return branch;
  }

  #list(trait: string, value: string): readonly number[] | null {
    if (this.#values.get(trait) !== null) return null;
    const listed = this.#listed.get(listKey(trait, value));
    return listed === undefined ? [] : listed;
  }

  #inRacksOf(hosts: readonly number[]): readonly number[] | null {
    const racks = new Set(hosts.map(at => this.#table.host(at)!.rack));
    const found: number[] = [];
    for (const rack of racks) {
      const hosts = this.#list('rack', rack);
      if (hosts === null || found.length + hosts.length > IN_RACKS_MAX) return null;
      found.push(...hosts);
    }
    return found;
  }

  /** Counts a value of a trait, and lists the host when there are too many to tell classes apart. */
  #learn(trait: string, value: string, at: number): void {
    let values = this.#values.get(trait);
    if (values === undefined) {
      values = new Set();
      this.#values.set(trait, values);
    }
    if (values !== null) {
      values.add(value);
      if (values.size <= VALUES_MAX) return;
      this.#values.set(trait, null);
      if (trait.startsWith(LABEL)) this.#manyLabels.add(trait.slice(LABEL.length));
      this.#isStale = true;
      for (let host = 0; host < this.#table.end; host += 1) {
        if (host === at || !this.isUp(host)) continue;
        const known = valueIn(traitsOf(this.#table.host(host)!), trait);
        if (known !== undefined) this.#enlist(trait, known, host);
      }
    }
    this.#enlist(trait, value, at);
  }

  #enlist(trait: string, value: string, at: number): void {
    const key = listKey(trait, value);
    const listed = this.#listed.get(key);
    if (listed === null) return;
    if (listed && listed.length >= LISTED_MAX) this.#listed.set(key, null);
    else this.#ownList(key, listed ?? []).push(at);
  }

  /** The list, or a copy in its place where a branch may have it. */
  #ownList(key: string, listed: readonly number[]): number[] {
    if (this.#ownLists.has(listed)) return listed as number[];
    const own = [...listed];
    this.#ownLists.add(own);
    this.#listed.set(key, own);
    return own;
  }

  #join(at: number, number: number): void {
    this.#classOf[at] = number;
    this.#classes[number]!.hosts += 1;
  }

  /** Class of the traits that tell classes apart; with too many classes, of those without labels. */
  #classFor(traits: Traits, hasGpus: boolean): number {
    const narrow = this.#narrowed(traits);
    const found = this.#byKey.get(classKey(narrow, hasGpus, true));
    if (found !== undefined) return found;
    if (this.#classes.length < CLASSES_MAX || this.#classes.some(of => of.hosts === 0))
      return this.#add(narrow, hasGpus, true);
    const few: string[] = [];
    for (let place = 0; place < narrow.length; place += 2) {
      if (narrow[place] === 'gpu' || narrow[place] === 'zone') few.push(narrow[place]!, narrow[place + 1]!);
    }
    return this.#byKey.get(classKey(few, hasGpus, false)) ?? this.#add(few, hasGpus, false);
  }

  /** Without those traits that have too many values. */
  #narrowed(traits: Traits): Traits {
    const narrow: string[] = [];
    for (let place = 0; place < traits.length; place += 2) {
      if (this.#values.get(traits[place]!) !== null) narrow.push(traits[place]!, traits[place + 1]!);
    }
    return narrow;
  }

  #add(traits: Traits, hasGpus: boolean, complete: boolean): number {
    const classes = this.#classes;
    // Labels come and go: a class that lost its hosts makes way.
    const empty = classes.length < CLASSES_MAX ? -1 : classes.findIndex(of => of.hosts === 0);
    const number = empty < 0 ? classes.length : empty;
    this.#masks = null;
    const old = classes[number];
    if (old) this.#byKey.delete(classKey([...old.traits].flat(), old.hasGpus, old.complete));
    const model = valueIn(traits, 'gpu') ?? null;
    classes[number] = { traits: mapOf(traits), complete, hasGpus, model, hosts: 0, root: -1 };
    this.#byKey.set(classKey(traits, hasGpus, complete), number);
    return number;
  }

  #forgetClasses(): void {
    this.#isStale = false;
    this.#masks = null;
    this.#classes = [];
    this.#byKey.clear();
  }

  /** Tells the class of hosts that are new, or of every host. */
  #classify(every: boolean): void {
    const count = every ? this.#classOf.length : this.#pending.length;
    for (let place = 0; place < count; place += 1) {
      const at = every ? place : this.#pending[place]!;
      if (every ? !this.isUp(at) : this.#classOf[at] !== PENDING) continue;
      const host = this.#table.host(at)!;
      this.#join(at, this.#classFor(traitsOf(host), host.gpuMilliTotal.length > 0));
    }
    this.#pending = [];
  }

  #build(): void {
    const hosts = this.#classes.map((): number[] => []);
    for (let at = 0; at < this.#classOf.length; at += 1) hosts[this.#classOf[at] ?? NONE]?.push(at);
    this.tree = new HostTree(this.#table);
    for (const [number, of] of this.#classes.entries())
      of.root = this.tree.build(Int32Array.from(hosts[number]!));
  }
}

const labelTrait = (name: string): string => LABEL + name;
const listKey = (trait: string, value: string): string => `${trait}\n${value}`;
const isOddlyNamed = (host: PlacementHost): boolean => (host.labels.host ?? host.name) !== host.name;

/** What a host is, by what requests may ask of it. Its name is no trait, though a request may ask for it as the label `host`. */
function traitsOf(host: PlacementHost): Traits {
  const traits = ['zone', host.zone, 'rack', host.rack, 'gpu', host.gpuModel];
  traits.push('accelerator', host.accelerator, 'hypervisor', host.hypervisor);
  const names = Object.keys(host.labels).sort();
  for (const name of names) if (name !== 'host') traits.push(labelTrait(name), host.labels[name]!);
  return traits;
}

function valueIn(traits: Traits, trait: string): string | undefined {
  for (let place = 0; place < traits.length; place += 2)
    if (traits[place] === trait) return traits[place + 1];
  return undefined;
}

function mapOf(traits: Traits): Map<string, string> {
  const map = new Map<string, string>();
  for (let place = 0; place < traits.length; place += 2) map.set(traits[place]!, traits[place + 1]!);
  return map;
}

function classKey(traits: Traits, hasGpus: boolean, complete: boolean): string {
  let key = `${hasGpus} ${complete}`;
  for (let place = 0; place < traits.length; place += 2) key += `\n${traits[place]}\t${traits[place + 1]}`;
  return key;
}
