/** One trace shows all steps of a message on all hosts, whoever did them; with the real SDK, in processes of their own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { plan } from './access-fixture.ts';
import { Processes, until } from './process-fixture.ts';

const SDK = fileURLToPath(new URL('./otel-sdk.ts', import.meta.url));
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CLIENT = '00f067aa0ba902b7';

interface SpanLine {
  readonly process: number;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly attributes: { readonly [name: string]: unknown };
}

test('a message is one trace over the server and two hosts, and tells executables of it', async () => {
  await using processes = new Processes();
  const file = processes.path('spans');
  const env = { NODE_OPTIONS: `--import ${SDK}`, OTEL_FILE: file };
  processes.action('modules', 'tell', 'trace', '#!/bin/sh\nprintf \'{"told": "%s"}\' "$TRACEPARENT"\n');
  const { client, url, program } = await processes.server(
    'server',
    ['--modules', processes.path('modules')],
    env,
  );
  const agents = [];
  for (const name of ['host-a', 'host-b']) {
    const { token } = await client.joinToken({});
    const join = [
      'agent',
      '--join',
      url,
      '--token',
      token,
      '--name',
      name,
      '--label',
      'traced=yes',
      '--simulate',
    ];
    agents.push(processes.coax(name, join, env));
  }
  await until('both hosts are up', async () => {
    const hosts = (await client.hosts()).items.filter(
      ({ name, state }) => /^host-[ab]$/.test(name) && state === 'up',
    );
    return hosts.length === 2;
  });
  const trace = { traceparent: `00-${TRACE_ID}-${CLIENT}-01` };
  const spans = (): SpanLine[] =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));

  const parameters = {
    names: ['t-1', 't-2'],
    cpu: 1,
    mem: 128,
    labels: { traced: 'yes' },
    placement: { policy: 'spread' },
  };
  const made = await client.submit({ flow: 'create_vms', parameters }, { trace });
  const ended = await client.waitFor(made.msgid, { timeoutMs: 180_000 });
  assert.equal(ended.status, 'done', JSON.stringify(ended.error));
  await client.revert(made.msgid);
  await until('it is undone', async () => (await client.message(made.msgid)).status === 'rolled_back');
  const mine = await until('every span is told', () => {
    const found = spans().filter(({ traceId }) => traceId === TRACE_ID);
    return found.filter(({ name }) => name === 'undo compute create_vm').length === 2 && found;
  });
  const [accepted] = mine.filter(({ name }) => name === 'accept create_vms');
  assert.equal(accepted?.parent, CLIENT, 'the acceptance is under the span of the client');
  const steps = mine.filter(span => span !== accepted);
  for (const step of steps)
    assert.equal(step.parent, accepted.spanId, `${step.name} is under the acceptance`);
  const counted = (name: string) => steps.filter(span => span.name === name);
  assert.equal(counted('placement select_hosts').length, 1);
  for (const name of [
    'network alloc_ip',
    'compute create_vm',
    'resource update_info',
    'undo compute create_vm',
  ])
    assert.equal(counted(name).length, 2, name);
  const at = new Set(counted('compute create_vm').map(span => span.process));
  assert.deepEqual(at, new Set(agents.map(({ pid }) => pid)), 'each VM was made by another host');
  assert.ok(counted('network alloc_ip').every(span => span.process === program.pid));
  assert.ok(steps.every(({ attributes }) => attributes['coax.msgid'] !== undefined));

  // What a step calls is under the step's own span.
  const told = await client.submit({ plan: plan('tell trace') }, { trace });
  const done = await client.waitFor(told.msgid, { timeoutMs: 180_000 });
  const span = await until('its span', () =>
    spans().find(({ name, attributes }) => name === 'tell trace' && attributes['coax.msgid'] === told.msgid),
  );
  assert.equal(done.parameters.told, `00-${TRACE_ID}-${span.spanId}-01`);

  // Without a trace from the client, the server begins one.
  const own = await client.submit({ plan: plan('tell trace') });
  assert.match(own.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('without an SDK the trace is handed on as it came', async () => {
  await using processes = new Processes();
  processes.action(
    'modules',
    'tell',
    'trace',
    '#!/bin/sh\nprintf \'{"told": "%s %s"}\' "$TRACEPARENT" "$TRACESTATE"\n',
  );
  const { client } = await processes.server('server', ['--modules', processes.path('modules')]);
  const trace = { traceparent: `00-${TRACE_ID}-${CLIENT}-01`, tracestate: 'a=1' };
  const { msgid } = await client.submit({ plan: plan('tell trace') }, { trace });
  assert.equal(
    (await client.waitFor(msgid, { timeoutMs: 180_000 })).parameters.told,
    `${trace.traceparent} a=1`,
  );
  const none = await client.submit({ plan: plan('tell trace') });
  assert.equal((await client.waitFor(none.msgid, { timeoutMs: 180_000 })).parameters.told, ' ');
});
