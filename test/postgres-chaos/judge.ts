import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { MessageView } from '../../src/api/message.ts';
import { check, type End, zombies } from './checker.ts';
import { type Clients, rest } from './clients.ts';
import type { Installation } from './installation.ts';

const REST_MS = 300_000;

/** Waits until every message has ended, then judges the whole history. */
export async function judge(t: TestContext, installation: Installation, clients: Clients): Promise<void> {
  const [client] = installation.clients;
  assert.ok(client !== undefined);
  await installation.up();
  const messages = await rest(client, REST_MS).catch(error => {
    throw new Error(`${error}\n${installation.log()}`);
  });
  const report = await client.fsck();
  const history = {
    calls: clients.calls,
    looks: clients.looks,
    ledger: await installation.ledger(),
    runs: installation.runs(),
    ends: messages.map(endOf),
    effects: installation.effects(),
    fsck: report.faults.map(fault => JSON.stringify(fault)),
  };
  assert.deepEqual(check(history), []);
  assert.ok(history.calls.length > 0 && history.runs.length > 0);
  const counts = Object.entries(Object.groupBy(messages, ({ status }) => status));
  t.diagnostic(
    `${history.calls.length} requests, ${messages.length} messages (${counts.map(([status, of]) => `${of?.length} ${status}`).join(', ')}), ` +
      `${history.ledger.length} commits, ${history.runs.length} executions of which ${zombies(history)} do not count`,
  );
}

function endOf({ msgid, status, parent, parameters, steps }: MessageView): End {
  const effects = steps.flatMap(({ index, step }) => (step.startsWith('shake') ? [`${msgid}.${index}`] : []));
  return { msgid, status, effects, key: parent === null ? String(parameters.name) : null };
}
