import { CoaxError } from '../errors/coax-error.ts';
import { canonical } from '../message/canonical.ts';
import { pointer } from '../message/json-fault.ts';
import type { Json, Message, Parameters } from '../message/message.ts';
import { isSealed, sealedNames } from '../message/secret/sealed.ts';
import { hasSecret, replaceAt, secretPlaces } from '../message/secret/secret-places.ts';
import type { KeyRing } from './key-ring.ts';
import type { SecretBox } from './secret-box.ts';

/** Schemas by parameter: a flow's own. */
type Schemas = Readonly<Record<string, unknown>>;

/** Seals what people and programs give: parameters of a new message, and changes of those of an old one. */
export class GivenSecrets {
  readonly #box: SecretBox;
  readonly #ring: Pick<KeyRing, 'learn'> | null;

  constructor(box: SecretBox, ring: Pick<KeyRing, 'learn'> | null = null) {
    this.#box = box;
    this.#ring = ring;
  }

  /** Another server may have sealed with a key that was made since. */
  async learn(): Promise<void> {
    await this.#ring?.learn();
  }

  /**
   * Parameters of a new message as they may be kept. `once`: an idempotency key; the same request under it gives the same
   * parameters again. Errors: COAX_MESSAGE_INVALID for what looks as if it were sealed, COAX_SECRET_KEY_MISSING.
   */
  seal(parameters: Parameters, schemas: Schemas, once?: string): Parameters {
    refuseSealed(parameters);
    if (!haveSecret(schemas)) return parameters;
    const places = Object.entries(schemas).flatMap(([name, schema]) =>
      secretPlaces(schema, parameters[name]).map(path => [name, ...path]),
    );
    const seal =
      (path: readonly string[]) =>
      (value: Json): Json =>
        this.#box.seal(
          value,
          once === undefined ? undefined : `${pointer(path)}\n${once}`,
        ) as unknown as Json;
    return places.reduce<Parameters>(
      (sealed, path) => replaceAt(sealed, path, seal(path)) as Parameters,
      parameters,
    );
  }

  /**
   * The same parameters, sealed with each other key in turn, the newest of them first: what a request under the same
   * idempotency key may have been sealed with.
   */
  *resealed(parameters: Parameters, once: string): Generator<Parameters> {
    if (sealedNames(parameters).length === 0) return;
    for (const key of this.#box.keys.others()) {
      const walk = (value: Json, path: readonly string[]): Json => {
        if (isSealed(value))
          return this.#box.seal(this.#box.open(value), `${pointer(path)}\n${once}`, key) as unknown as Json;
        if (typeof value !== 'object' || value === null) return value;
        if (Array.isArray(value)) return value.map((inner, i) => walk(inner, [...path, String(i)]));
        return Object.fromEntries(
          Object.entries(value).map(([name, inner]) => [name, walk(inner as Json, [...path, name])]),
        );
      };
      yield walk(parameters, []) as Parameters;
    }
  }

  /** Changes of a message's parameters: by the flow's schema, and whatever was a secret stays one. */
  sealEdit(edit: Parameters, message: Pick<Message, 'base' | 'trail'>, schemas: Schemas): Parameters {
    const sealed = this.seal(edit, schemas);
    const before = new Set(
      [message.base, ...message.trail.map(entry => ('edit' in entry ? entry.edit : entry.set))].flatMap(
        sealedNames,
      ),
    );
    return Object.fromEntries(
      Object.entries(sealed).map(([name, value]) =>
        before.has(name) && canonical(value) === canonical(edit[name])
          ? [name, this.#box.seal(value) as unknown as Json]
          : [name, value],
      ),
    );
  }
}

const HAVE_SECRET = new WeakMap<Schemas, boolean>();

/** Is anything secret by these schemas? A flow's are looked at once. */
function haveSecret(schemas: Schemas): boolean {
  let have = HAVE_SECRET.get(schemas);
  if (have === undefined) {
    have = Object.values(schemas).some(hasSecret);
    HAVE_SECRET.set(schemas, have);
  }
  return have;
}

function refuseSealed(parameters: Parameters): void {
  const name = sealedNames(parameters)[0];
  if (name === undefined) return;
  throw new CoaxError(
    'COAX_MESSAGE_INVALID',
    `${name} has a member "$secret", which only Coax itself may write`,
    {
      where: pointer([name]),
      hint: 'Give the value itself: it is sealed where the flow says `secret: true`. What is left out of a change stays as it is.',
    },
  );
}

/** Names of parameters that are secret, as the schemas of a flow. */
export const secretNames = (names: readonly string[]): Schemas =>
  Object.fromEntries(names.map(name => [name, { secret: true }]));
