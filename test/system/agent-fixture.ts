import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type AgentFacts, type AgentReport, agentSessionText } from '../../src/api/agent.ts';
import type { Agents } from '../../src/cloud/agents/agents.ts';

export const FACTS: AgentFacts = {
  cpuTotal: 8,
  cpuOvercommit: 1,
  memTotalMib: 16_384,
  diskTotalMib: 100_000,
  gpus: [],
  numa: [{ cpus: 8, memMib: 16_384 }],
  labels: { disk: 'ssd' },
  zone: 'z1',
  rack: 'r1',
  network: null,
  hypervisor: 'simulated',
  accelerator: 'none',
  fault: '',
};

export function reportOf(more: Partial<AgentReport> = {}): AgentReport {
  return {
    bootId: 'b1',
    version: '0.1.0',
    address: '10.9.0.1',
    facts: FACTS,
    live: { load1: 0.5, memAvailableMib: 1000, diskFreeMib: 2000, guestsRunning: 0 },
    guests: [],
    ...more,
  };
}

/** A host's key. */
export class HostKey {
  readonly publicKey: string;
  readonly #private: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.publicKey = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    this.#private = privateKey;
  }

  /** Proof of a session for that host. */
  proof(host: string, nonce: string): { nonce: string; signature: string } {
    return { nonce, signature: this.sign(agentSessionText(host, nonce)).toString('base64') };
  }

  sign(text: string): Buffer {
    return sign(null, Buffer.from(text), this.#private);
  }
}

/** Lets a host join with a key of its own; gives the key. */
export async function join(agents: Agents, host: string, token?: string): Promise<HostKey> {
  const key = new HostKey();
  const joinToken = token ?? (await tokenFor(agents));
  await agents.enrol(joinToken, { host, publicKey: key.publicKey, version: '0.1.0', facts: FACTS });
  return key;
}

/** A join token: for any new name, unless `wish` says otherwise. */
export async function tokenFor(
  agents: Agents,
  wish: { host?: string; ttlMs?: number; rekeys?: boolean } = {},
): Promise<string> {
  const { token } = await agents.joinToken({
    host: '',
    ttlMs: 15 * 60_000,
    rekeys: false,
    actor: 'ann',
    ...wish,
  });
  return token;
}

/** A session's token, by a challenge of `agents` that another server may answer. */
export async function sessionOf(agents: Agents, host: string, key: HostKey, at = agents): Promise<string> {
  const { nonce } = await agents.challenge(host);
  const { signature } = key.proof(host, nonce);
  return (await at.openSession(host, { nonce, signature, text: agentSessionText(host, nonce) })).token;
}
