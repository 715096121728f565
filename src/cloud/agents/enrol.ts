import { CoaxError } from '../../errors/coax-error.ts';
import type { Tx } from '../../store/tx.ts';
import { installationOf } from '../installation.ts';
import { cloudTables } from '../schema.ts';
import type { AgentFacts } from './agent-report.ts';
import { endSessions } from './end-sessions.ts';
import { type HostNetworkRow, networkAt, registerAgentHost } from './host-of-agent.ts';
import { checkJoinToken, refused, useJoinToken } from './join-tokens.ts';
import { readPublicKey } from './public-key.ts';
import { agentTables } from './schema.ts';

export interface Enrolment {
  readonly host: string;
  readonly publicKey: string;
  readonly version: string;
  readonly facts: AgentFacts;
}

export interface Enrolled {
  readonly installation: string;
  readonly network: HostNetworkRow | null;
  /** The key took the place of another: what was done with that one ends. */
  readonly rekeyed: boolean;
}

/**
 * Lets a host in by its join token, and keeps its public key. Safe to repeat with the same key. The host is down until its
 * first report. Errors: COAX_JOIN_TOKEN; COAX_HOST_EXISTS when the name is another's; COAX_MESSAGE_INVALID.
 */
export async function enrol(tx: Tx, token: string, wish: Enrolment): Promise<Enrolled> {
  const { host, version, facts } = wish;
  const publicKey = readPublicKey(wish.publicKey);
  const row = await checkJoinToken(tx, token, host);
  const db = agentTables(tx.db);
  const known = await db.selectFrom('agents').selectAll().where('host', '=', host).executeTakeFirst();
  const isSame = known?.public_key === publicKey;
  const installation = await installationOf(tx);
  if (isSame && Number(row.used) !== 0)
    return { installation, network: await networkAt(tx, host), rekeyed: false };
  if (Number(row.used) !== 0) throw refused('it was used already, with another key', host);

  const isNew = known === undefined;
  if (isNew) await refuseServersHost(tx, host);
  // A host whose key was revoked comes back only by a token that a person made for it.
  else if (!isSame && !(row.host === host && (Number(row.rekeys) === 1 || known.public_key === ''))) {
    throw taken(host, known.public_key === '' ? 'its key was revoked' : 'it has an agent with another key', {
      hint: `If it is the same machine, set up anew: \`coax host token ${host} --replace\` makes a token for it. Else give this one another name (--name).`,
    });
  }
  await useJoinToken(tx, row, host);
  const agent = { public_key: publicKey, enrolled: tx.now, version };
  if (isNew) {
    const nothingYet = { address: '', boot_id: '', seen: 0, lease_until: 0, report: '' };
    await db
      .insertInto('agents')
      .values({ host, ...agent, ...nothingYet })
      .execute();
  } else if (!isSame) {
    await endSessions(tx, host);
    await db.updateTable('agents').set(agent).where('host', '=', host).execute();
  }
  if (isNew || !isSame) await registerAgentHost(tx, host, facts, 'its agent has not reported yet');
  return { installation, network: await networkAt(tx, host), rekeyed: !isNew && !isSame };
}

/** A host that a server runs itself is not handed to whoever has a join token. */
async function refuseServersHost(tx: Tx, host: string): Promise<void> {
  const known = await cloudTables(tx.db)
    .selectFrom('hosts')
    .select('name')
    .where('name', '=', host)
    .executeTakeFirst();
  if (known === undefined) return;
  throw taken(host, 'a server runs a host of that name itself', {
    hint: 'Give this one another name (--name); `coax host ls` lists those that are taken.',
  });
}

function taken(host: string, reason: string, more: { hint: string }): CoaxError {
  return new CoaxError('COAX_HOST_EXISTS', `the name ${host} is taken: ${reason}`, { where: host, ...more });
}
