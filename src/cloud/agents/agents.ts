import { CoaxError } from '../../errors/coax-error.ts';
import type { Slice } from '../../store/slice.ts';
import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { randomSetting } from '../installation.ts';
import { retireHosts } from '../resource/register-hosts.ts';
import type { AgentReport } from './agent-report.ts';
import { CHALLENGE_MS, makeChallenge, readChallenge } from './challenge.ts';
import { endSessions } from './end-sessions.ts';
import { type Enrolled, type Enrolment, enrol } from './enrol.ts';
import {
  type JoinToken,
  type JoinTokenInfo,
  type JoinTokenWish,
  listJoinTokens,
  makeJoinToken,
  revokeJoinToken,
} from './join-tokens.ts';
import { isSignedBy } from './public-key.ts';
import { agentTables } from './schema.ts';
import { JOIN_PREFIX, SESSION_PREFIX } from './secrets.ts';
import { hostOfSession, SESSION_MS, staleChallenge, writeSession } from './sessions.ts';
import { RETURN_MS, type ReportTaken, takeReport } from './take-report.ts';

export type { JoinToken, JoinTokenInfo } from './join-tokens.ts';
export type { ReportTaken } from './take-report.ts';

/** What a host proves itself with. */
export interface Proof {
  readonly nonce: string;
  /** What it had to sign. */
  readonly text: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

/**
 * Hosts with agents: how they join, prove who they are, and report. All of it lies in the store, so any server on it does.
 * No clock but the store's is believed.
 */
export class Agents {
  readonly #store: Store;
  readonly #workerOf: (host: string) => string;
  readonly #listeners = new Set<(host: string) => void>();
  #challengeKey: Promise<string> | null = null;

  /** `workerOf`: the name that a host's worker claims under. */
  constructor(store: Store, workerOf: (host: string) => string) {
    this.#store = store;
    this.#workerOf = workerOf;
  }

  joinToken(wish: JoinTokenWish): Promise<JoinToken> {
    return this.#store.transact(tx => makeJoinToken(tx, wish));
  }

  /** Newest first; those that can be used, or `all` that are kept (7 days beyond their end). */
  joinTokens(all: boolean, slice?: Slice): Promise<JoinTokenInfo[]> {
    return listJoinTokens(this.#store, all, slice);
  }

  /** Errors: COAX_NOT_FOUND; COAX_CONFLICT when a host has joined by it. */
  revokeJoinToken(id: string): Promise<void> {
    return this.#store.transact(tx => revokeJoinToken(tx, id));
  }

  /** Errors: COAX_JOIN_TOKEN, COAX_HOST_EXISTS, COAX_MESSAGE_INVALID. */
  async enrol(token: string, wish: Enrolment): Promise<Enrolled> {
    if (!token.startsWith(JOIN_PREFIX)) throw new CoaxError('COAX_JOIN_TOKEN', 'that is not a join token');
    const enrolled = await this.#store.transact(tx => enrol(tx, token, wish));
    if (enrolled.rekeyed) await this.#takeBack(wish.host);
    return enrolled;
  }

  /** For whoever asks, known or not: an answer tells nothing, and nothing is written. */
  async challenge(host: string): Promise<{ nonce: string; expiresInMs: number }> {
    const nonce = makeChallenge(await this.#key(), host, this.#store.now());
    return { nonce, expiresInMs: CHALLENGE_MS };
  }

  /** A session for a host that signed its challenge. Errors: COAX_CHALLENGE, COAX_AGENT_KEY. */
  async openSession(host: string, proof: Proof): Promise<{ token: string; expiresInMs: number }> {
    const { nonce, text, signature } = proof;
    const expires = readChallenge(await this.#key(), host, nonce, this.#store.now());
    if (expires === null) throw staleChallenge(host);
    const token = await this.#store.transact(async tx => {
      if (!isSignedBy(await publicKeyOf(tx, host), text, signature)) throw unknownKey(host);
      return await writeSession(tx, host, { nonce, expires });
    });
    return { token, expiresInMs: SESSION_MS };
  }

  /** The host whose session that token opens now; null if none. */
  async hostOf(token: string): Promise<string | null> {
    if (!token.startsWith(SESSION_PREFIX)) return null;
    return hostOfSession(this.#store.reader, token, this.#store.now());
  }

  /** When the host got the key that it has (ms since 1970); null when it has none. */
  async enrolledAt(host: string): Promise<number | null> {
    const row = await agentTables(this.#store.reader)
      .selectFrom('agents')
      .select('enrolled')
      .where('host', '=', host)
      .where('public_key', '!=', '')
      .executeTakeFirst();
    return row === undefined ? null : Number(row.enrolled);
  }

  /** Errors: COAX_AGENT_KEY when the host's key was revoked. */
  async report(host: string, report: AgentReport): Promise<ReportTaken> {
    const taken = await takeReport(this.#store, host, report);
    if (taken === null) throw unknownKey(host);
    return taken;
  }

  /**
   * Its agent stops: nothing renews the lease, so it ends now, or after `RETURN_MS` if another agent is about to take its
   * place. The length of the lease tells that this is why. Errors: COAX_NOT_FOUND, also when the host's key was revoked.
   */
  async goodbye(host: string, returns: boolean): Promise<void> {
    const gone = await this.#store.transact(tx =>
      agentTables(tx.db)
        .updateTable('agents')
        .set({ seen: tx.now, lease_until: tx.now + (returns ? RETURN_MS : 0) })
        .where('host', '=', host)
        .where('public_key', '!=', '')
        .executeTakeFirst(),
    );
    if (Number(gone.numUpdatedRows) === 0) throw noAgent(host);
  }

  /**
   * The host's key opens nothing any more, from now: its sessions end, what it holds is given back, and it is down. Returns
   * how many sessions ended. Errors: COAX_NOT_FOUND.
   */
  async revoke(host: string, actor: string): Promise<number> {
    const sessions = await this.#store.transact(async tx => {
      const gone = await agentTables(tx.db)
        .updateTable('agents')
        .set({ public_key: '', lease_until: 0 })
        .where('host', '=', host)
        .executeTakeFirst();
      if (Number(gone.numUpdatedRows) === 0) throw noAgent(host);
      await agentTables(tx.db)
        .deleteFrom('join_tokens')
        .where('host', '=', host)
        .where('used', '=', 0)
        .execute();
      await retireHosts(tx, [host], `its key was revoked by ${actor}`);
      return await endSessions(tx, host);
    });
    await this.#takeBack(host);
    return sessions;
  }

  /** Calls back when a host's sessions were ended by this process. Returns what ends it. */
  onEnded(listener: (host: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What was begun with a key that holds no more is not finished with it. */
  async #takeBack(host: string): Promise<void> {
    for (const listener of this.#listeners) listener(host);
    await this.#store.releaseWorker(this.#workerOf(host));
  }

  #key(): Promise<string> {
    this.#challengeKey ??= this.#store.transact(tx => randomSetting(tx, 'agent-challenges', 32));
    // One that failed is tried again.
    this.#challengeKey.catch(() => {
      this.#challengeKey = null;
    });
    return this.#challengeKey;
  }
}

async function publicKeyOf(tx: Tx, host: string): Promise<string> {
  const row = await agentTables(tx.db)
    .selectFrom('agents')
    .select('public_key')
    .where('host', '=', host)
    .executeTakeFirst();
  return row?.public_key ?? '';
}

function unknownKey(host: string): CoaxError {
  return new CoaxError(
    'COAX_AGENT_KEY',
    `no key that is known for ${host} made that signature, or it was revoked`,
    {
      where: host,
      hint: `\`coax host token ${host} --replace\` on the server makes a token by which it joins anew.`,
    },
  );
}

function noAgent(host: string): CoaxError {
  const hint = '`coax host ls` shows which hosts have one.';
  return new CoaxError('COAX_NOT_FOUND', `no host ${host} has an agent`, { where: host, hint });
}
