import { parseServers } from '../../../client/servers/servers.ts';
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

/**
 * Server (several with commas between), and token to join it with; without a token, the same installation's new address. Null when neither is given. Errors:
 * COAX_USAGE.
 */
export function joinOf({ join, token }: AgentCliOptions): { url: string; token: string | null } | null {
  if (join === undefined && token === undefined) return null;
  if (join === undefined) {
    throw new CoaxError('COAX_USAGE', 'a token without the server that it is of', {
      where: '--join',
      hint: '`coax host token` on the server prints the whole command.',
    });
  }
  const servers = parseServers(join, '--join');
  const socket = servers.find(({ socketPath }) => socketPath !== undefined);
  if (socket !== undefined) {
    throw new CoaxError('COAX_USAGE', `${socket.url} is not an address that an agent can go to`, {
      where: '--join',
      hint: 'For example https://coax.example:7411; several with commas between.',
    });
  }
  return {
    url: servers.map(({ url }) => url).join(','),
    token: token ?? (process.env.COAX_JOIN_TOKEN || null),
  };
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
