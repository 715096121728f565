import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type Fault, textOf } from '../errors/coax-error.ts';
import { didYouMean } from '../errors/nearest.ts';
import { keysAt } from './keys-at.ts';

/** Text of one file: UTF-16 code units. */
const LENGTH_MAX = 256 * 1024;
const FAULTS_MAX = 20;

/** A file of settings that is well formed. */
export interface Config<T> {
  readonly value: T;
  /** `FILE:LINE:COLUMN` of what stands at that path, or of the nearest thing around it. */
  placeOf(path: readonly PropertyKey[]): string;
}

/**
 * Reads a file of settings that a person wrote: YAML 1.2, core schema, checked by `schema`. `file` is the name for places. An empty
 * file is an empty map. Gives the value, or every fault (20 at most) at its line and column.
 */
export function readConfig<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
): Config<T> | { readonly faults: readonly [Fault, ...Fault[]] } {
  if (text.length > LENGTH_MAX)
    return { faults: [{ where: file, reason: `the text is longer than ${LENGTH_MAX} characters` }] };
  const lines = new LineCounter();
  const whereOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
      schema: 'core',
    });
    const [broken, ...more] = document.errors.map(({ message, pos }) => ({
      where: whereOf(pos[0]),
      reason: `not YAML: ${message}`,
    }));
    if (broken !== undefined) return { faults: [broken, ...more.slice(0, FAULTS_MAX - 1)] };
    const places = placesOf(document, file, whereOf);
    const parsed = schema.safeParse(document.toJS({ maxAliasCount: 50 }) ?? {});
    if (parsed.success) return { value: parsed.data, placeOf: places.of };
    const [first, ...others] = parsed.error.issues.flatMap(issue => faultsOf(issue, schema, places));
    return { faults: [first!, ...others.slice(0, FAULTS_MAX - 1)] };
  } catch (error) {
    // Aliases of aliases, and brackets in brackets without end, are found only when they are followed.
    return { faults: [{ where: file, reason: `not YAML: ${textOf(error)}` }] };
  }
}

interface Places {
  /** Where a value stands. */
  of(path: readonly PropertyKey[]): string;
  /** Where a key of a map stands. */
  ofKey(path: readonly PropertyKey[], key: string): string;
}

function placesOf(document: Document, file: string, whereOf: (offset: number) => string): Places {
  const of = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as Node | undefined;
      if (node?.range) return whereOf(node.range[0]);
    }
    return file;
  };
  const ofKey = (path: readonly PropertyKey[], key: string): string => {
    const map = path.length === 0 ? document.contents : document.getIn(path, true);
    const pair = isMap(map)
      ? map.items.find(item => isScalar(item.key) && item.key.value === key)
      : undefined;
    const range = (pair?.key as Node | undefined)?.range;
    return range ? whereOf(range[0]) : of([...path, key]);
  };
  return { of, ofKey };
}

function faultsOf(issue: z.core.$ZodIssue, schema: z.ZodType, places: Places): Fault[] {
  const place = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map(key => ({
      where: places.ofKey(issue.path, key),
      reason: `unknown key "${place && `${place}.`}${key}"${didYouMean(key, known)}`,
    }));
  }
  const missing = issue.code === 'invalid_type' && issue.message.includes('received undefined');
  const reason = missing ? `\`${place}\` is missing` : `${place || 'the file'}: ${issue.message}`;
  return [{ where: places.of(issue.path), reason }];
}
