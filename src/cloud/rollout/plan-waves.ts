import { hash } from 'node:crypto';
import { Terminal } from '../../step/step-errors.ts';

/** One wave: hosts that are switched before the next ones. */
export interface Wave {
  readonly wave: number;
  /** `canary`, or how far it goes: `10%`. */
  readonly name: string;
  readonly hosts: number;
  /** A person must approve before the next wave. */
  readonly pause: boolean;
}

export interface WaveWishes {
  readonly package: string;
  readonly version: string;
  /** A number of hosts, a share of them, or their names with commas. */
  readonly canary: string;
  /** How far each wave goes: so many hosts in all, or such a share of them. */
  readonly waves: readonly string[];
  /** Names of waves, or `each`. */
  readonly pauseAfter: readonly string[];
}

const CANARY = 'canary';

/**
 * Which host comes in which wave. The order is by hashes of package and host: the same for the same rollout, spread over racks and
 * zones, and not always the same hosts first. Throws Terminal for wishes that are none.
 */
export function planWaves(
  hosts: readonly string[],
  wishes: WaveWishes,
): { waves: readonly Wave[]; members: readonly (readonly string[])[] } {
  const rank = new Map(
    hosts.map(host => [host, hash('sha256', `${wishes.package}@${wishes.version} ${host}`)]),
  );
  const ordered = [...hosts].sort((a, b) => (rank.get(a)! < rank.get(b)! ? -1 : 1));
  const named = /^\d+%?$/.test(wishes.canary) ? null : wishes.canary.split(',').map(name => name.trim());
  for (const name of named ?? [])
    if (!rank.has(name))
      throw new Terminal(`the canary ${name} is none of the hosts`, { code: 'COAX_STEP_INPUT' });
  const canaries = named ?? ordered.slice(0, shareOf(wishes.canary, hosts.length, 'canary', 'up'));
  const rest = ordered.filter(host => !canaries.includes(host));
  const members: (readonly string[])[] = [];
  const names: string[] = [];
  if (canaries.length > 0) {
    members.push([...new Set(canaries)]);
    names.push(CANARY);
  }
  // A wave that brings no host further is as good as the one before it.
  const known = new Map(names.map((name, index) => [name, index]));
  let at = 0;
  for (const text of [...wishes.waves, '100%']) {
    const upTo = Math.max(at, shareOf(text, hosts.length, 'a wave', 'up') - (hosts.length - rest.length));
    if (upTo > at) {
      members.push(rest.slice(at, upTo));
      names.push(text);
    }
    known.set(text, members.length - 1);
    at = upTo;
  }
  const pauses = new Set<number>();
  for (const wanted of wishes.pauseAfter) {
    const wave = known.get(wanted);
    if (wave !== undefined) pauses.add(wave);
    else if (wanted !== 'each')
      throw new Terminal(
        `there is no wave ${wanted} to pause after; there are ${[...known.keys()].join(', ')}`,
        {
          code: 'COAX_STEP_INPUT',
        },
      );
  }
  const waves = members.map((list, wave) => {
    // After the last one there is nothing to hold back.
    const last = wave === members.length - 1;
    const pause = !last && (wishes.pauseAfter.includes('each') || pauses.has(wave));
    return { wave, name: names[wave] as string, hosts: list.length, pause };
  });
  return { waves, members };
}

/** A number, or a share of so many: rounded `up`, so that a share is never none, or `down`. Throws Terminal. */
export function shareOf(text: string, of: number, what: string, round: 'up' | 'down'): number {
  const parts = /^(\d{1,9})(%?)$/.exec(text.trim());
  const number = Number(parts?.[1]);
  if (parts === null || (parts[2] === '%' && number > 100))
    throw new Terminal(
      `${what}: ${JSON.stringify(text)} is no number of hosts and no share of them, as 10%`,
      {
        code: 'COAX_STEP_INPUT',
      },
    );
  if (parts[2] !== '%') return Math.min(number, of);
  return round === 'up' ? Math.ceil((of * number) / 100) : Math.floor((of * number) / 100);
}
