import type { KeyObject } from 'node:crypto';
import {
  type AgentReport,
  agentSessionText,
  type ChallengeAnswer,
  type EnrolAnswer,
  type EnrolBody,
  type GoodbyeBody,
  type ReportAnswer,
  type SessionAnswer,
} from '../api/agent.ts';
import { HttpChannel } from '../client/http-channel.ts';
import type { Servers } from '../client/servers/servers.ts';
import { type TokenSource, Transport } from '../client/transport.ts';
import { signatureOf } from './agent-folder.ts';

/** Where the server is asked; several that are given the same `Servers` ask the same one. */
interface Server {
  readonly url: string | Servers;
  readonly ca: string;
}

/** A server that does not answer a short request for so long is taken for away. */
const ANSWER_MS = 10_000;
/** Whoever stops an agent waits for it no longer than this; without it the host is missed when its lease ends. */
const GOODBYE_MS = 10_000;

/** Asks the server to take this host in. Errors: COAX_AUTH_MISSING for a token that is over, COAX_HOST_EXISTS. */
export async function enrol(server: Server, token: string, body: EnrolBody): Promise<EnrolAnswer> {
  const transport = new Transport({ ...server, token });
  try {
    return await transport.json<EnrolAnswer>({ method: 'POST', path: '/v1/agents', body });
  } finally {
    transport.close();
  }
}

/**
 * What a host that has joined says to its server. It proves who it is by signing what the server makes up, so no clock is
 * compared, and a session that ends is followed by another by itself.
 */
export class AgentClient {
  readonly channel: HttpChannel;
  /** Proves who the host is. */
  readonly session: HostSession;
  readonly #transport: Transport;
  readonly #host: string;
  readonly #path: string;

  constructor(server: Server, host: string, key: KeyObject) {
    this.session = new HostSession(server, host, key);
    const options = { ...server, token: this.session };
    this.#transport = new Transport(options);
    this.channel = new HttpChannel(options);
    this.#host = host;
    this.#path = pathOf(host, 'report');
  }

  report(report: AgentReport): Promise<ReportAnswer> {
    return this.#transport.json({
      method: 'PUT',
      path: this.#path,
      body: report,
      idleMs: ANSWER_MS,
      repeatable: true,
    });
  }

  /** The agent stops, and holds no step any more. `returns`: another is about to take its place. */
  async goodbye(returns: boolean): Promise<void> {
    const body: GoodbyeBody = { returns };
    const path = pathOf(this.#host, 'goodbye');
    await this.#transport.json({ method: 'POST', path, body, idleMs: GOODBYE_MS });
  }

  close(): void {
    this.channel.close();
    this.#transport.close();
  }
}

/** A host's tokens, each got by signing a challenge. */
export class HostSession implements TokenSource {
  readonly #server: Server;
  readonly #host: string;
  readonly #key: KeyObject;
  #token: Promise<string> | null = null;

  constructor(server: Server, host: string, key: KeyObject) {
    this.#server = server;
    this.#host = host;
    this.#key = key;
  }

  current(): Promise<string> {
    this.#token ??= this.#get();
    return this.#token;
  }

  async after(refused: string): Promise<string> {
    // Others that were refused at the same time have asked for another by now.
    if ((await this.#token?.catch(() => null)) === refused) this.#token = null;
    return this.current();
  }

  #get(): Promise<string> {
    const token = this.#sign();
    token.catch(() => {
      if (this.#token === token) this.#token = null;
    });
    return token;
  }

  async #sign(): Promise<string> {
    const transport = new Transport({ ...this.#server, token: '' });
    const post = <T>(what: string, body: unknown): Promise<T> =>
      transport.json<T>({ method: 'POST', path: pathOf(this.#host, what), body, idleMs: ANSWER_MS });
    try {
      const { nonce } = await post<ChallengeAnswer>('challenge', {});
      const signature = signatureOf(this.#key, agentSessionText(this.#host, nonce));
      return (await post<SessionAnswer>('session', { nonce, signature })).token;
    } finally {
      transport.close();
    }
  }
}

const pathOf = (host: string, what: string): string => `/v1/agents/${encodeURIComponent(host)}/${what}`;
