import { comparedRow, median, type Pair, plainRow, type Row } from '../../row.ts';
import type { Peer } from '../peers.ts';
import type { Figures } from './round.ts';

/** A system and what its rounds found, in order of the rounds. */
export interface Measured {
  readonly peer: Peer;
  readonly rounds: readonly Figures[];
}

/** What the steps of a second are to be, as a multiple of another system's in the same round. */
const STEP_GOALS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'coax-sqlite': {
    'bullmq-everysec': 1.5,
    'bullmq-always': 2,
    restate: 15,
    dbos: 15,
    'graphile-worker': 15,
    'taskflow-postgres': 15,
    'taskflow-sqlite': 15,
  },
  'coax-postgres': { 'floor-postgres': 0.5, restate: 5, dbos: 10 },
};

/** Milliseconds that the median flow may take when nothing else is to be done. */
const IDLE_GOALS: Readonly<Record<string, number>> = { 'coax-sqlite': 2, 'coax-postgres': 5 };

const isCoax = ({ peer }: Measured): boolean => peer.name.startsWith('coax-');
const isFloor = ({ peer }: Measured): boolean => peer.name.startsWith('floor-');
/** A floor is that of its own engine. */
const isBeside = (one: Measured, other: Measured): boolean =>
  !isFloor(other) || other.peer.name.split('-')[1] === one.peer.name.split('-')[1];

/** Coax beside every other system, then what each of them took by itself. */
export function rowsOf(measured: readonly Measured[]): Row[] {
  const ours = measured.filter(isCoax);
  const others = measured.filter(one => !isCoax(one));
  return [
    ...ours.flatMap(one => others.flatMap(other => (isBeside(one, other) ? compare(one, other) : []))),
    ...(ours.length === 0 || others.length === 0 ? measured.flatMap(alone) : []),
    ...measured.flatMap(idle),
  ];
}

function compare(one: Measured, other: Measured): Row[] {
  const [title, reference] = [plain(one.peer.title), plain(other.peer.title)];
  const steps = STEP_GOALS[one.peer.name]?.[other.peer.name];
  const goal = steps === undefined ? null : `ratio >= ${steps}`;
  const pairs = (of: keyof Figures): Pair[] =>
    one.rounds.flatMap((figures, round) => {
      const reference = other.rounds[round];
      return reference === undefined ? [] : [{ value: figures[of], reference: reference[of] }];
    });
  const cpuGoal = isFloor(other) ? null : 'ratio < 1';
  return [
    comparedRow(`${title} beside ${reference}: steps`, 'steps/s', reference, pairs('stepsPerSecond'), goal),
    comparedRow(
      `${title} beside ${reference}: CPU for 1,000 flows`,
      's',
      reference,
      pairs('cpuPerThousandFlows'),
      cpuGoal,
    ),
  ];
}

function alone({ peer, rounds }: Measured): Row[] {
  const title = plain(peer.title);
  return [
    plainRow(`${title}: steps`, medianOf(rounds, 'stepsPerSecond'), 'steps/s'),
    plainRow(`${title}: CPU for 1,000 flows`, medianOf(rounds, 'cpuPerThousandFlows'), 's'),
  ];
}

function idle({ peer, rounds }: Measured): Row[] {
  const limit = IDLE_GOALS[peer.name];
  const goal = limit === undefined ? null : `value < ${limit}`;
  const name = `${plain(peer.title)}: one flow at idle`;
  return [
    plainRow(`${name}, p50`, medianOf(rounds, 'idleP50Ms'), 'ms', goal),
    plainRow(`${name}, p99`, medianOf(rounds, 'idleP99Ms'), 'ms'),
  ];
}

export function medianOf(rounds: readonly Figures[], of: keyof Figures): number {
  return median(rounds.map(figures => figures[of]));
}

/** A title without its Markdown. */
export function plain(title: string): string {
  return title.replaceAll('`', '');
}
