import { CoaxError } from '../../errors/coax-error.ts';
import { pointer } from '../json-fault.ts';

/** What people call a message by: names with texts, for finding it. Nothing in Coax acts by them. */
export type Labels = { readonly [name: string]: string };

export const NO_LABELS: Labels = {};

export const LABELS_MAX = 64;
/** `env`, `tier`, `example.org/team`: no brackets, commas, signs or spaces, since selectors are made of those. */
export const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
export const LABEL_VALUE = /^[A-Za-z0-9._/:@+-]{0,128}$/;
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

export const isLabelName = (name: string): boolean => LABEL_NAME.test(name) && !RESERVED.has(name);

/** Labels from anything. Errors: COAX_MESSAGE_INVALID; `where` is a JSON pointer. */
export function validateLabels(given: unknown): Labels {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrong('', 'labels are not a JSON object');
  const entries = Object.entries(given);
  if (entries.length > LABELS_MAX) throw wrong('', `there are more than ${LABELS_MAX} labels`);
  for (const [name, value] of entries) {
    const where = pointer([name]);
    if (!isLabelName(name)) throw wrong(where, 'that cannot name a label');
    if (typeof value !== 'string' || !LABEL_VALUE.test(value))
      throw wrong(where, 'that cannot be the value of a label');
  }
  return given as Labels;
}

function wrong(where: string, reason: string): CoaxError {
  return new CoaxError('COAX_MESSAGE_INVALID', reason, {
    where: where || '/',
    hint: 'Names: letters, digits, . _ / -, up to 128. Values: texts of the same with : @ +, or empty.',
  });
}
