import { readFileSync } from 'node:fs';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import type { Json, Parameters } from '../../message/message.ts';

/** Is that parameter's value to be taken as text, whatever it looks like? */
export type TakesText = (name: string) => boolean;

/**
 * Reads `name=value` words. A value that is JSON (2, true, [1,2], {"a":1}) is that value, unless the parameter takes text; anything
 * else is text. `name:=json` is always JSON, `name=@file` is the file's content (JSON when it is called .json).
 * COAX_USAGE names the word that is wrong.
 */
export function parsePairs(words: readonly string[], takesText: TakesText = () => false): Parameters {
  const parameters: Record<string, Json> = {};
  for (const word of words) {
    const [name, value] = parsePair(word, takesText);
    if (Object.hasOwn(parameters, name)) throw wrong(word, `${name} is given twice`);
    // defineProperty: `__proto__=1` must reach the check of names as a name, not change an object.
    Object.defineProperty(parameters, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return parameters;
}

function parsePair(word: string, takesText: TakesText): [string, Json] {
  const found = /^([^=:\s]+)(:?=)([\s\S]*)$/.exec(word);
  if (!found) throw wrong(word, `${word} is not of the form name=value`);
  const [, name = '', operator, text = ''] = found;
  if (operator === ':=') return [name, parseJson(text, word)];
  if (text.startsWith('@') && text.length > 1) return [name, fromFile(text.slice(1), word)];
  return [name, takesText(name) ? text : jsonOrText(text, word)];
}

function jsonOrText(text: string, word: string): Json {
  if (!/^(["[{]|-?\d|true$|false$|null$)/.test(text)) return text;
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw wrong(word, `${text} is too large for a number`, `As text: '${word.split('=')[0]}:="${text}"'`);
  }
  return value;
}

function parseJson(text: string, word: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong(word, `not JSON: ${textOf(error)}`);
  }
}

function fromFile(file: string, word: string): Json {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw wrong(
      word,
      `cannot read ${file}: ${textOf(error)}`,
      'A value that begins with @: \'name:="@text"\'',
    );
  }
  return file.endsWith('.json') ? parseJson(text, word) : text;
}

function wrong(
  word: string,
  reason: string,
  hint = 'For example cpu=2 name=web tags=\'["a","b"]\'',
): CoaxError {
  return new CoaxError('COAX_USAGE', reason, { where: word, hint });
}
