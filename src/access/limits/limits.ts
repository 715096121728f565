import { CoaxError } from '../../errors/coax-error.ts';
import { didYouMean } from '../../errors/nearest.ts';

interface LimitOf {
  readonly usual: number;
  readonly least: number;
  readonly most: number;
  readonly about: string;
}

/** A rate of 0 is none: nobody is ever told to wait. */
const RATE = { least: 0, most: 1_000_000_000 };

/**
 * Everything that bounds what clients can ask of one server at one time, each with its usual value. Rates are token buckets:
 * so many requests a second, and so many at once after a quiet time.
 */
export const LIMITS = {
  'token-rate': { usual: 2000, ...RATE, about: 'requests a second of one token; 0 = no limit' },
  'token-burst': { usual: 10_000, ...RATE, least: 1, about: 'requests of one token at once' },
  'address-rate': {
    usual: 20,
    ...RATE,
    about: 'requests a second without a token, or with a wrong one, of one client address; 0 = no limit',
  },
  'address-burst': { usual: 200, ...RATE, least: 1, about: 'of these at once' },
  requests: { usual: 2000, least: 1, most: 1_000_000, about: 'requests under way, held ones not counted' },
  held: {
    usual: 16_000,
    least: 1,
    most: 1_000_000,
    about: 'requests held: streams, and waits for work or rest',
  },
  connections: { usual: 20_000, least: 1, most: 1_000_000, about: 'connections; more are closed at once' },
  queued: {
    usual: 1_000_000,
    least: 1,
    most: 1_000_000_000,
    about: 'messages that wait for a worker; a project without a quota may have half of them',
  },
  'submit-kib': { usual: 16_384, least: 1, most: 262_144, about: 'KiB of one body that submits messages' },
  'body-kib': { usual: 2048, least: 1, most: 262_144, about: 'KiB of any other body' },
  'bodies-mib': {
    usual: 256,
    least: 1,
    most: 1_000_000,
    about: 'MiB of all bodies under way; one token may have half of them',
  },
  'body-depth': { usual: 64, least: 8, most: 1000, about: 'levels of nested JSON in a body' },
  'header-kib': { usual: 16, least: 1, most: 1024, about: 'KiB of all headers of a request' },
  headers: { usual: 100, least: 10, most: 2000, about: 'header fields of a request' },
  'header-seconds': { usual: 10, least: 1, most: 3600, about: 'seconds until the headers are there' },
  'request-seconds': { usual: 60, least: 1, most: 3600, about: 'seconds until the whole request is there' },
  'answer-seconds': {
    usual: 30,
    least: 1,
    most: 3600,
    about: 'seconds in which a client takes nothing of its answer before it is cut off',
  },
} as const satisfies Readonly<Record<string, LimitOf>>;

export type LimitName = keyof typeof LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

const NAMES = Object.keys(LIMITS) as LimitName[];

/** The usual limits, with those that are given otherwise. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const usual = Object.fromEntries(NAMES.map(name => [name, LIMITS[name].usual])) as Record<
    LimitName,
    number
  >;
  return { ...usual, ...given };
}

/** Reads `NAME=NUMBER`, as `coax up --limit` takes it. Errors: COAX_USAGE. */
export function parseLimits(texts: readonly string[]): Partial<Limits> {
  return Object.fromEntries(
    texts.map(text => {
      const [name = '', value = ''] = text.split('=', 2);
      if (!Object.hasOwn(LIMITS, name)) {
        const known = `known are ${NAMES.join(', ')}`;
        throw usage(text, `there is no limit "${name}"${didYouMean(name, NAMES)}`, known);
      }
      const { least, most, about }: LimitOf = LIMITS[name as LimitName];
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < least || number > most)
        throw usage(text, `${name} is a whole number from ${least} to ${most}`, `It means: ${about}.`);
      return [name, number];
    }),
  );
}

const usage = (text: string, reason: string, hint: string): CoaxError =>
  new CoaxError('COAX_USAGE', reason, { where: `--limit ${text}`, hint });
