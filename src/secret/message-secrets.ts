import { isCoaxError } from '../errors/coax-error.ts';
import { jsonFault } from '../message/json-fault.ts';
import type { Json, Message, Parameters, StepError } from '../message/message.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import { outputOf, parametersOf, parametersToUndo } from '../message/parameters.ts';
import { holdsSealed, mapSealed, type Sealed, sealedIn, sealedNames } from '../message/secret/sealed.ts';
import { replaceAt } from '../message/secret/secret-places.ts';
import type { KeyRing } from './key-ring.ts';
import { CROSSED_OUT, Scrubber } from './scrub.ts';
import type { SecretBox } from './secret-box.ts';

/** Secrets of messages: opened for a step, and kept out of what the step leaves behind. Implements the channel's `Secrets`. */
export class MessageSecrets {
  readonly #box: SecretBox;
  readonly #ring: Pick<KeyRing, 'has' | 'learn'> | null;

  constructor(box: SecretBox, ring: Pick<KeyRing, 'has' | 'learn'> | null = null) {
    this.#box = box;
    this.#ring = ring;
  }

  learn(message: Message): Promise<void> | null {
    const ring = this.#ring;
    if (ring === null || sealsOf(message).every(({ $secret: { key } }) => ring.has(key))) return null;
    return ring.learn();
  }

  /** Errors: COAX_SECRET_KEY_MISSING, COAX_SECRET_BROKEN. */
  reveal(message: Message, names: readonly string[]): { parameters: Parameters; output: Parameters } {
    const undoing = message.mode === 'rollback';
    const parameters = undoing ? parametersToUndo(message, message.cursor) : parametersOf(message);
    const wanted = sealedNames(parameters).filter(name => names.includes(name));
    return {
      parameters: Object.fromEntries(wanted.map(name => [name, this.#open(parameters[name] as Json)])),
      output: undoing ? (this.#open(outputOf(message, message.cursor)) as Parameters) : {},
    };
  }

  conceal(message: Message, outcome: StepOutcome, secret: readonly (readonly string[])[]): StepOutcome {
    if (outcome.kind === 'ok' && sealedNames(outcome.set).length > 0) return forged(outcome.set);
    const seals = sealsOf(message);
    if (seals.length === 0 && secret.length === 0) return outcome;
    const own: Json[] = outcome.kind === 'ok' ? secret.flatMap(path => valueAt(outcome.set, path)) : [];
    let opened: Json[];
    try {
      opened = seals.map(sealed => this.#box.open(sealed));
    } catch (error) {
      if (isCoaxError(error, 'COAX_SECRET_KEY_MISSING') || isCoaxError(error, 'COAX_SECRET_BROKEN'))
        return this.#unsearched(message, outcome, secret);
      throw error;
    }
    const scrubber = new Scrubber([...opened, ...own]);
    return scrubbed(outcome, scrubber, set => this.#sealSet(message, set, secret, scrubber));
  }

  /** What the step said is secret, what was secret before under that name, and what repeats a secret. */
  #sealSet(
    message: Message,
    set: Parameters,
    secret: readonly (readonly string[])[],
    scrubber: Scrubber,
  ): Parameters {
    const before = new Set(sealedNames(parametersOf(message)));
    const kept: Record<string, Json> = {};
    for (const [name, value] of Object.entries(set)) {
      const places = secret.filter(([first]) => first === name).map(([, ...rest]) => rest);
      const partly = places.reduce<Json>(
        (inner, path) => replaceAt(inner, path, part => this.#box.seal(part) as unknown as Json),
        value,
      );
      const repeats = (): boolean => scrubber.finds(JSON.stringify(withoutSealed(partly)));
      const whole = places.length === 0 ? before.has(name) || repeats() : !isWhole(places) && repeats();
      kept[name] = whole ? (this.#box.seal(value) as unknown as Json) : partly;
    }
    return kept;
  }

  /** Nothing was opened here, so nothing can be searched for: what a step said in its own words is not kept. */
  #unsearched(message: Message, outcome: StepOutcome, secret: readonly (readonly string[])[]): StepOutcome {
    if (outcome.kind === 'ok') {
      const { log: _log, detail: _detail, ...bare } = outcome;
      return { ...bare, set: this.#sealSet(message, outcome.set, secret, new Scrubber([])) };
    }
    const { code, begun } = outcome.error;
    const reason = `${CROSSED_OUT}: this server lacks the key to search what the step said for secrets`;
    // A step that never began has said nothing: the words are the worker's own.
    const kept = begun === false ? outcome.error.reason : reason;
    return { ...outcome, error: { code, reason: kept, ...(begun === false && { begun }) } };
  }

  #open(value: Json): Json {
    return mapSealed(value, sealed => this.#box.open(sealed));
  }
}

/** Every secret that the message holds. */
function sealsOf(message: Message): Sealed[] {
  const values = [message.base, ...message.trail.map(entry => ('edit' in entry ? entry.edit : entry.set))];
  return values.flatMap(parameters => (sealedNames(parameters).length > 0 ? sealedIn(parameters) : []));
}

const isWhole = (places: readonly (readonly string[])[]): boolean => places.some(path => path.length === 0);

const withoutSealed = (value: Json): Json => mapSealed(value, () => null);

function scrubbed(
  outcome: StepOutcome,
  scrubber: Scrubber,
  seal: (set: Parameters) => Parameters,
): StepOutcome {
  if (outcome.kind === 'ok') {
    const { set, log, detail } = outcome;
    return {
      kind: 'ok',
      // What is not JSON is refused by the store, in its own words.
      set: jsonFault(set) === null ? seal(set) : set,
      ...(log !== undefined && { log: scrubber.text(log) }),
      ...(detail !== undefined && { detail: scrubber.value(detail) }),
    };
  }
  const { error } = outcome;
  const kept: StepError = {
    ...error,
    code: scrubber.text(error.code),
    reason: scrubber.text(error.reason),
    ...(error.log !== undefined && { log: scrubber.text(error.log) }),
    ...(error.detail !== undefined && { detail: scrubber.value(error.detail) }),
  };
  return { ...outcome, error: kept };
}

/** An envelope that a step hands on as its own could be another message's, to be opened for the next step. */
function forged(set: Parameters): StepOutcome {
  const name = Object.keys(set).find(name => holdsSealed(set[name]));
  return terminal(
    'COAX_STEP_OUTPUT',
    `the step sets ${name} to something with a member "$secret", which is Coax's own`,
  );
}

function valueAt(value: Json, path: readonly string[]): Json[] {
  const found: Json[] = [];
  replaceAt(value, path, inner => {
    found.push(inner);
    return inner;
  });
  return found;
}
