/** Hosts with agents, and several servers on one database: what one has said holds at every other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentSessionText, agentWorkerName } from '../../src/api/agent.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { Agents } from '../../src/cloud/agents/agents.ts';
import { join, reportOf, sessionOf, tokenFor } from '../system/agent-fixture.ts';
import { postgresTests } from './fixture.ts';

describe('agents on one PostgreSQL', () => {
  const { withDatabase } = postgresTests();

  it('a challenge, a session, a report and a revocation of one server hold at another', () =>
    withDatabase(async ({ open }) => {
      const stores = [await open({ schema: installationSchema }), await open({ schema: installationSchema })];
      const [a, b] = stores.map(store => new Agents(store, agentWorkerName)) as [Agents, Agents];
      const key = await join(b, 'h1', await tokenFor(a));
      const session = await sessionOf(a, 'h1', key, b);
      assert.equal(await a.hostOf(session), 'h1');
      assert.equal((await b.report('h1', reportOf())).state, 'up');
      const { nonce } = await a.challenge('h1');
      const proof = { ...key.proof('h1', nonce), text: agentSessionText('h1', nonce) };
      const answers = await Promise.allSettled([a.openSession('h1', proof), b.openSession('h1', proof)]);
      assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
      await a.revoke('h1', 'ann');
      assert.equal(await b.hostOf(session), null);
      await assert.rejects(b.report('h1', reportOf()), { code: 'COAX_AGENT_KEY' });
    }));

  it('of hosts that race with one token, or for one name, one comes in', () =>
    withDatabase(async ({ open }) => {
      const stores = [await open({ schema: installationSchema }), await open({ schema: installationSchema })];
      const servers = stores.map(store => new Agents(store, agentWorkerName));
      const token = await tokenFor(servers[0]!);
      const one = await Promise.allSettled(servers.map((server, n) => join(server, `t${n}`, token)));
      assert.equal(one.filter(({ status }) => status === 'fulfilled').length, 1);
      const named = await Promise.allSettled(servers.map(server => join(server, 'same')));
      assert.equal(named.filter(({ status }) => status === 'fulfilled').length, 1);
    }));
});
