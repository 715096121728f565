import { CoaxError, type Fault } from '../errors/coax-error.ts';
import { didYouMean } from '../errors/nearest.ts';
import type { Place } from './flow.ts';

/** A fault in a flow, with an example that works. */
export interface FlowFault extends Fault {
  readonly hint: string;
}

const FAULTS_MAX = 20;

/** Gathers the faults of one flow while it is read, each under its JSON pointer. */
export class FlowFaults {
  readonly #file: string | null;
  readonly #places: ReadonlyMap<string, Place | null>;
  readonly #faults: FlowFault[] = [];

  constructor(file: string | null, places: ReadonlyMap<string, Place | null>) {
    this.#file = file;
    this.#places = places;
  }

  add(pointer: string, reason: string, hint: string): void {
    if (this.#faults.length < FAULTS_MAX)
      this.#faults.push({ where: placeOf(this.#file, this.#places, pointer), reason, hint });
  }

  get none(): boolean {
    return this.#faults.length === 0;
  }

  /** Refuses members that are not known, and names the nearest known one. */
  unknownKeys(pointer: string, object: object, known: readonly string[], example: string): void {
    for (const key of Object.keys(object)) {
      if (!known.includes(key))
        this.add(`${pointer}/${escapeKey(key)}`, `unknown key "${key}"${didYouMean(key, known)}`, example);
    }
  }

  /** Throws COAX_FLOW_INVALID when there were any; the first one is the error's own. */
  throwIfAny(): void {
    const [first, ...others] = this.#faults;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new CoaxError('COAX_FLOW_INVALID', `${first.reason}${more}`, {
      where: first.where,
      hint: first.hint,
      faults: this.#faults,
    });
  }
}

/** `file:line:column` of a JSON pointer, or of the nearest thing around it; the pointer itself where that is not known. */
export function placeOf(
  file: string | null,
  places: ReadonlyMap<string, Place | null>,
  pointer: string,
): string {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const place = places.get(at);
    if (place) return `${file ?? 'flow'}:${place.line}:${place.column}`;
    if (at === '') return file === null ? pointer || '/' : `${file}#${pointer}`;
  }
}

export function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
