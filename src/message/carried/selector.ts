import { CoaxError } from '../../errors/coax-error.ts';
import { isLabelName, LABEL_VALUE, type Labels } from './labels.ts';

/**
 * One condition on labels. `in`: the label is there with one of the values. `notin`: it is not, be it with another value or
 * not there at all. `exists` and `absent` ask for the name alone.
 */
export type Term = ListTerm | NameTerm;
interface ListTerm {
  readonly name: string;
  readonly op: 'in' | 'notin';
  readonly values: readonly string[];
}
interface NameTerm {
  readonly name: string;
  readonly op: 'exists' | 'absent';
}

/** All of its terms must hold; an empty one selects everything. */
export type Selector = readonly Term[];

/** Characters of a selector's text. */
export const SELECTOR_LENGTH_MAX = 2000;
const TERMS_MAX = 32;
const VALUES_MAX = 64;

/**
 * Reads `env=prod,tier!=x,zone in (a,b),zone notin (c),gpu,!old`: the language that people know from Kubernetes. Goes over
 * the text once, character by character. Errors: COAX_MESSAGE_INVALID with the place in the text.
 */
export function parseSelector(text: string): Selector {
  if (text.length > SELECTOR_LENGTH_MAX)
    throw new CoaxError('COAX_MESSAGE_INVALID', `a selector has at most ${SELECTOR_LENGTH_MAX} characters`, {
      where: 'selector',
    });
  const reader = new Reader(text);
  const terms: Term[] = [];
  if (reader.atEnd()) return terms;
  do {
    if (terms.length >= TERMS_MAX) throw reader.fault(`there are more than ${TERMS_MAX} conditions`);
    terms.push(readTerm(reader));
  } while (reader.take(','));
  if (!reader.atEnd()) throw reader.fault('a comma was expected');
  return terms;
}

function readTerm(reader: Reader): Term {
  if (reader.take('!')) return { name: reader.name(), op: 'absent' };
  const name = reader.name();
  if (reader.take('!=')) return { name, op: 'notin', values: [reader.value()] };
  if (reader.take('==') || reader.take('=')) return { name, op: 'in', values: [reader.value()] };
  const word = reader.word();
  if (word === '') return { name, op: 'exists' };
  if (word !== 'in' && word !== 'notin') throw reader.fault('=, !=, in or notin was expected');
  return { name, op: word, values: readValues(reader) };
}

function readValues(reader: Reader): string[] {
  if (!reader.take('(')) throw reader.fault('( was expected');
  const values: string[] = [];
  do {
    if (values.length >= VALUES_MAX) throw reader.fault(`there are more than ${VALUES_MAX} values`);
    values.push(reader.value());
  } while (reader.take(','));
  if (!reader.take(')')) throw reader.fault(') was expected');
  return values;
}

const WORD = /[A-Za-z0-9._/:@+-]/;

/** A place in the text that only goes forward. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  /** Goes past these characters if they come next. */
  take(sign: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  /** What comes next of the characters that names and values are made of; may be empty. */
  word(): string {
    this.#skipSpace();
    const from = this.#at;
    while (this.#at < this.#text.length && WORD.test(this.#text[this.#at] as string)) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  name(): string {
    const name = this.word();
    if (isLabelName(name)) return name;
    throw this.fault(name === '' ? 'the name of a label was expected' : 'that is no name of a label');
  }

  value(): string {
    const value = this.word();
    if (LABEL_VALUE.test(value)) return value;
    throw this.fault('that is no value of a label');
  }

  fault(reason: string): CoaxError {
    return new CoaxError('COAX_MESSAGE_INVALID', `${reason} at character ${this.#at + 1} of the selector`, {
      where: 'selector',
      hint: 'For example: env=prod,tier!=web,zone in (a,b),gpu,!old',
    });
  }
}

/** Whether labels are as the selector says. */
export function selects(selector: Selector, labels: Labels): boolean {
  return selector.every(term => {
    const value = Object.hasOwn(labels, term.name) ? labels[term.name] : undefined;
    if (!('values' in term)) return term.op === 'exists' ? value !== undefined : value === undefined;
    const listed = value !== undefined && term.values.includes(value);
    return term.op === 'in' ? listed : !listed;
  });
}
