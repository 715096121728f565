import type { PlacementRequest } from '../request.ts';

/** Before the name of a label in the name of its trait. */
export const LABEL = 'label ';

/** Hosts that are alike in all that does not change with every VM. */
export interface HostClass {
  readonly traits: ReadonlyMap<string, string>;
  /** False when traits of its hosts are left out, so that a missing one says nothing. */
  readonly complete: boolean;
  readonly hasGpus: boolean;
  /** Model of its GPUs; null when there are several. */
  readonly model: string | null;
  /** How many are of it; some of them may not be in its tree yet. */
  hosts: number;
  /** Of its tree; -1 when it is empty. */
  root: number;
}

/** Of one trait: the classes of each value, and those that do not say which value their hosts have, and may have any. */
interface TraitMasks {
  readonly byValue: Map<string, Int32Array>;
  readonly open: Int32Array;
}

/**
 * Which classes could suit a request by what their hosts are: a bit for each class, for every value of every trait, so that a request looks at
 * few classes however many there are. Made anew when classes come or go.
 */
export class ClassMasks {
  /** The answer of `ask`: classes with hosts that could suit, and those of them whose hosts all do. */
  readonly suiting: Int32Array;
  readonly certain: Int32Array;
  readonly #all: Int32Array;
  readonly #withGpus: Int32Array;
  /** Classes that leave traits out. */
  readonly #incomplete: Int32Array;
  readonly #traits = new Map<string, TraitMasks>();
  /** The same for labels, by the label's name. */
  readonly #labels = new Map<string, TraitMasks>();
  readonly #isMany: (trait: string) => boolean;
  /** Of the trait `gpu`: the classes of any of the models asked for. */
  readonly #models: Int32Array;

  /** `isMany`: whether a trait has too many values to tell classes apart. */
  constructor(classes: readonly HostClass[], isMany: (trait: string) => boolean) {
    const none = (): Int32Array => new Int32Array((classes.length + 31) >> 5);
    this.#isMany = isMany;
    this.suiting = none();
    this.certain = none();
    this.#all = none();
    this.#withGpus = none();
    this.#incomplete = none();
    this.#models = none();
    for (const [number, { complete, hasGpus }] of classes.entries()) {
      setBit(this.#all, number);
      if (hasGpus) setBit(this.#withGpus, number);
      if (!complete) setBit(this.#incomplete, number);
    }
    for (const [number, { traits }] of classes.entries())
      for (const [trait, value] of traits) this.#learn(trait, value, number);
    for (const [number, { traits, complete }] of classes.entries())
      for (const [trait, { open }] of this.#traits)
        if (!traits.has(trait) && (!complete || isMany(trait))) setBit(open, number);
  }

  /** Fills `suiting` and `certain`. */
  ask({ zone, rack, image, labels, gpu, gpuModels }: PlacementRequest): void {
    this.suiting.set(this.#all);
    this.certain.set(this.#all);
    if (zone) this.#narrow(this.#traits.get('zone'), 'zone', zone);
    if (rack) this.#narrow(this.#traits.get('rack'), 'rack', rack);
    const { accelerator, hypervisor } = image;
    if (accelerator) this.#narrow(this.#traits.get('accelerator'), 'accelerator', accelerator);
    if (hypervisor) this.#narrow(this.#traits.get('hypervisor'), 'hypervisor', hypervisor);
    for (const name in labels) {
      // No trait: every host has its own name.
      if (name === 'host') this.certain.fill(0);
      else this.#narrow(this.#labels.get(name), LABEL + name, labels[name]!);
    }
    if (gpu === 0) return;
    and(this.suiting, this.#withGpus);
    if (gpuModels.length > 0) this.#narrowModels(gpuModels);
  }

  #narrow(masks: TraitMasks | undefined, trait: string, value: string): void {
    const stated = masks?.byValue.get(value);
    const open = masks?.open ?? this.#openOf(trait);
    const { suiting, certain } = this;
    for (let word = 0; word < suiting.length; word += 1) {
      const yes = stated === undefined ? 0 : stated[word]!;
      suiting[word]! &= yes | open[word]!;
      certain[word]! &= yes;
    }
  }

  #narrowModels(models: readonly string[]): void {
    const masks = this.#traits.get('gpu');
    const any = this.#models.fill(0);
    for (const model of models) {
      const stated = masks?.byValue.get(model);
      if (stated !== undefined) for (let word = 0; word < any.length; word += 1) any[word]! |= stated[word]!;
    }
    and(this.certain, any);
    const open = masks?.open ?? this.#openOf('gpu');
    for (let word = 0; word < any.length; word += 1) any[word]! |= open[word]!;
    and(this.suiting, any);
  }

  /** Of a trait that no class states. */
  #openOf(trait: string): Int32Array {
    return this.#isMany(trait) ? this.#all : this.#incomplete;
  }

  #learn(trait: string, value: string, number: number): void {
    let masks = this.#traits.get(trait);
    if (masks === undefined) {
      masks = { byValue: new Map(), open: new Int32Array(this.#all.length) };
      this.#traits.set(trait, masks);
      if (trait.startsWith(LABEL)) this.#labels.set(trait.slice(LABEL.length), masks);
    }
    let stated = masks.byValue.get(value);
    if (stated === undefined) {
      stated = new Int32Array(this.#all.length);
      masks.byValue.set(value, stated);
    }
    setBit(stated, number);
  }
}

export const hasBit = (mask: Int32Array, number: number): boolean =>
  ((mask[number >> 5]! >>> (number & 31)) & 1) === 1;

function setBit(mask: Int32Array, number: number): void {
  mask[number >> 5]! |= 1 << (number & 31);
}

function and(mask: Int32Array, other: Int32Array): void {
  for (let word = 0; word < mask.length; word += 1) mask[word]! &= other[word]!;
}
