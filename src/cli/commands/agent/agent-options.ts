import { CoaxError } from '../../../errors/coax-error.ts';

/** Options of `coax agent` as its verb declares them. */
export interface AgentCliOptions {
  readonly join?: string;
  readonly token?: string;
  readonly name?: string;
  readonly label?: readonly string[];
  readonly zone?: string;
  readonly rack?: string;
  readonly packageRoot?: string;
  readonly packageTrust?: string;
  readonly ca?: string;
  readonly simulate?: boolean;
  readonly daemonize?: boolean;
  readonly grace?: number;
}

/** Server and token to join with; null when neither is given. Errors: COAX_USAGE. */
export function joinOf({ join, token }: AgentCliOptions): { url: string; token: string } | null {
  const given = token ?? (process.env.COAX_JOIN_TOKEN || undefined);
  if (join === undefined && token === undefined) return null;
  if (join === undefined || given === undefined) {
    throw new CoaxError('COAX_USAGE', '--join and --token belong together', {
      where: join === undefined ? '--join' : '--token',
      hint: '`coax host token` on the server prints the whole command.',
    });
  }
  const url = URL.parse(join);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CoaxError('COAX_USAGE', `${join} is not an address of a server`, {
      where: '--join',
      hint: 'For example https://coax.example:7411',
    });
  }
  return { url: join.replace(/\/$/, ''), token: given };
}

/** KEY=VALUE pairs. Errors: COAX_USAGE. */
export function labelsOf(pairs: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new CoaxError('COAX_USAGE', `${pair} is not a label`, {
        where: '--label',
        hint: 'As in --label disk=ssd',
      });
    }
    labels[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return labels;
}
