/** A server that is gone, and comes back at another address. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AgentStatus } from '../../src/agent/agent-folder.ts';
import type { JoinTokenView } from '../../src/api/agent.ts';
import { Transport } from '../../src/client/transport.ts';
import { gone } from '../../src/testing/process-lives.ts';
import { Processes, until } from '../system/process-fixture.ts';

test('an agent says plainly that its server is away, and goes on at a new address without a token', async () => {
  await using processes = new Processes();
  const coax = async (status: number, ...args: string[]): Promise<string> => {
    const program = processes.coax('a', args);
    assert.equal(await program.ended, status, program.output);
    return program.output;
  };
  const statusFile = processes.path('a/agent/status.json');
  const status = (): AgentStatus | null =>
    existsSync(statusFile) ? (JSON.parse(readFileSync(statusFile, 'utf8')) as AgentStatus) : null;
  const pids: number[] = [];
  try {
    const early = await coax(2, 'agent', '--join', 'http://127.0.0.1:1');
    assert.match(early, /has not joined a server yet \(COAX_USAGE\)\n +at +--token\n +do +`coax host token`/);

    const first = await processes.server('server');
    const transport = new Transport(first);
    const body = { host: 'a' };
    const { token } = await transport.json<JoinTokenView>({ method: 'POST', path: '/v1/join-tokens', body });
    transport.close();
    const joining = ['agent', '--join', first.url, '--token', token, '--name', 'a', '--simulate'];
    await coax(0, ...joining, '--daemonize');
    pids.push(status()!.pid);
    first.program.signal('SIGKILL');
    await first.program.ended;
    await until('the agent misses its server', () => status()?.connected === false);
    const log = () => readFileSync(processes.path('a/agent/agent.log'), 'utf8');
    await until('it says why', () => /COAX_SERVER_UNREACHABLE: no server answers there/.test(log()));

    const second = await processes.server('server');
    await coax(0, 'agent', 'stop');
    await gone(pids[0]!);
    assert.doesNotMatch(log(), /defect|\n? {4}at /, 'no stack reaches anybody');

    assert.match(await coax(0, 'agent', '--join', second.url, '--daemonize'), /^host +a$/m);
    pids.push(status()!.pid);
    await until('its host is up', async () => {
      const { items } = await second.client.hosts();
      return items.find(({ name }) => name === 'a')?.state === 'up';
    });
    // It is kept.
    await coax(0, 'agent', 'restart');
    pids.push(status()!.pid);
    assert.equal(status()?.url, second.url);
    await coax(0, 'agent', 'stop');
  } finally {
    for (const pid of [...pids, status()?.pid ?? 0])
      if (pid > 1 && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  }
});
