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

/** Which hosts could suit a query by what they are, and a tree of each class of them. */
export class HostClasses {
  readonly #table: HostTable;
  tree: HostTree;
  #classes: HostClass[] = [];
  #byKey = new Map<string, number>();
  /** Class of each host that is up; -1 for none. */
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
    const traits = traitsOf(host);
    if (isOddlyNamed(host)) this.#oddlyNamed += 1;
    for (const [trait, value] of traits) this.#learn(trait, value, at);
    this.#join(at, this.#classFor(traits, host.gpuMilliTotal.length > 0));
    // Into its tree before the next search: until then there may be so many that all are built anew.
    this.change(at);
  }

  remove(at: number, old: PlacementHost): void {
    const number = this.#classOf[at] ?? -1;
    if (number < 0) return;
    const of = this.#classes[number]!;
    of.hosts -= 1;
    if (this.tree.has(at)) of.root = this.tree.remove(of.root, at);
    this.#classOf[at] = -1;
    if (isOddlyNamed(old)) this.#oddlyNamed -= 1;
    for (const [trait, value] of traitsOf(old)) {
      const listed = this.#listed.get(listKey(trait, value));
      if (listed)
        this.#listed.set(
          listKey(trait, value),
          listed.filter(host => host !== at),
        );
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
    if (this.#isStale) this.#classify();
    else if (changed.length > BUILD_AT && changed.length > this.#table.size / 8) this.#build();
    else {
      for (const at of changed) {
        const of = this.#classes[this.#classOf[at] ?? -1];
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
    return (this.#classOf[at] ?? -1) >= 0;
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
        const known = traitsOf(this.#table.host(host)!).get(trait);
        if (known !== undefined) this.#enlist(trait, known, host);
      }
    }
    this.#enlist(trait, value, at);
  }

  #enlist(trait: string, value: string, at: number): void {
    const key = listKey(trait, value);
    const listed = this.#listed.get(key);
    if (listed === null) return;
    this.#listed.set(key, listed && listed.length >= LISTED_MAX ? null : [...(listed ?? []), at]);
  }

  #join(at: number, number: number): void {
    this.#classOf[at] = number;
    this.#classes[number]!.hosts += 1;
  }

  /** Class of the traits that tell classes apart; with too many classes, of those without labels. */
  #classFor(traits: ReadonlyMap<string, string>, hasGpus: boolean): number {
    const narrow = new Map([...traits].filter(([trait]) => this.#values.get(trait) !== null));
    const found = this.#find(narrow, hasGpus, true);
    if (found !== undefined) return found;
    if (this.#classes.length < CLASSES_MAX || this.#classes.some(of => of.hosts === 0))
      return this.#add(narrow, hasGpus, true);
    const few = new Map([...narrow].filter(([trait]) => trait === 'gpu' || trait === 'zone'));
    return this.#find(few, hasGpus, false) ?? this.#add(few, hasGpus, false);
  }

  #find(traits: ReadonlyMap<string, string>, hasGpus: boolean, complete: boolean): number | undefined {
    return this.#byKey.get(classKey(traits, hasGpus, complete));
  }

  #add(traits: ReadonlyMap<string, string>, hasGpus: boolean, complete: boolean): number {
    const classes = this.#classes;
    // Labels come and go: a class that lost its hosts makes way.
    const empty = classes.length < CLASSES_MAX ? -1 : classes.findIndex(of => of.hosts === 0);
    const number = empty < 0 ? classes.length : empty;
    this.#masks = null;
    const old = classes[number];
    if (old) this.#byKey.delete(classKey(old.traits, old.hasGpus, old.complete));
    classes[number] = { traits, complete, hasGpus, model: traits.get('gpu') ?? null, hosts: 0, root: -1 };
    this.#byKey.set(classKey(traits, hasGpus, complete), number);
    return number;
  }

  /** Every class anew. */
  #classify(): void {
    this.#isStale = false;
    this.#masks = null;
    this.#classes = [];
    this.#byKey.clear();
    for (let at = 0; at < this.#classOf.length; at += 1) {
      if (!this.isUp(at)) continue;
      const host = this.#table.host(at)!;
      this.#join(at, this.#classFor(traitsOf(host), host.gpuMilliTotal.length > 0));
    }
    this.#build();
  }

  #build(): void {
    const hosts = this.#classes.map((): number[] => []);
    for (let at = 0; at < this.#classOf.length; at += 1) hosts[this.#classOf[at] ?? -1]?.push(at);
    this.tree = new HostTree(this.#table);
    for (const [number, of] of this.#classes.entries())
      of.root = this.tree.build(Int32Array.from(hosts[number]!));
  }
}

const labelTrait = (name: string): string => LABEL + name;
const listKey = (trait: string, value: string): string => `${trait}\n${value}`;
const isOddlyNamed = (host: PlacementHost): boolean => (host.labels.host ?? host.name) !== host.name;

/** What a host is, by what requests may ask of it. Its name is no trait, though a request may ask for it as the label `host`. */
function traitsOf(host: PlacementHost): Map<string, string> {
  const traits = new Map([
    ['zone', host.zone],
    ['rack', host.rack],
    ['gpu', host.gpuModel],
    ['accelerator', host.accelerator],
    ['hypervisor', host.hypervisor],
  ]);
  const names = Object.keys(host.labels).sort();
  for (const name of names) if (name !== 'host') traits.set(labelTrait(name), host.labels[name]!);
  return traits;
}

function classKey(traits: ReadonlyMap<string, string>, hasGpus: boolean, complete: boolean): string {
  let key = `${hasGpus} ${complete}`;
  for (const [trait, value] of traits) key += `\n${trait}\t${value}`;
  return key;
}
