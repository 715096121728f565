/** /metrics: every figure in it is one that was counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../src/access/metrics/histogram.ts';
import { openServed, TOKEN } from './access-fixture.ts';

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/;

/** Series by name and labels; every line must be of the text format 0.0.4. */
async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const series = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value] = LINE.exec(line) ?? assert.fail(`not of the format: ${line}`);
    const key = `${name}${labels}`;
    assert.ok(!series.has(key), `${key} stands there twice`);
    series.set(key, Number(value));
  }
  return series;
}

test('messages, transitions, steps and requests are counted, with those that fail and are undone', async () => {
  await using served = await openServed();
  const { client, url } = served;
  const first = await scrape(url);
  assert.equal(first.get('coax_messages{status="done"}'), 0);
  const { msgid } = await client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128 } });
  assert.equal((await client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
  const { id } = await client.webhooks.create({ url: 'https://example.org/x', events: ['done'] });
  await client.webhooks.test(id);
  await client.revert(msgid, { reason: 'to count' });
  assert.equal((await client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'rolled_back');

  const series = await scrape(url);
  const of = (name: string): number | undefined => series.get(name);
  assert.equal(of('coax_transitions_total{step="",mode="normal",outcome="accepted"}'), 1);
  for (const step of [
    'resource select_host',
    'network alloc_ip',
    'compute create_vm',
    'resource update_info',
  ]) {
    assert.equal(of(`coax_transitions_total{step="${step}",mode="normal",outcome="ok"}`), 1, step);
    assert.equal(of(`coax_transitions_total{step="${step}",mode="rollback",outcome="ok"}`), 1, step);
    assert.equal(of(`coax_step_seconds_count{step="${step}"}`), 2, step);
    assert.equal(of(`coax_step_seconds_bucket{step="${step}",le="+Inf"}`), 2, step);
  }
  assert.equal(of('coax_http_request_seconds_count{operation="submit",status="202"}'), 1);
  assert.equal(of('coax_http_request_seconds_count{operation="metrics",status="200"}'), 1);
  assert.equal(of('coax_hosts{state="up"}'), 4);
  assert.equal(of('coax_webhooks{state="active"}'), 1);
  assert.equal(of('coax_webhook_deliveries{state="pending"}'), 1);
  assert.equal(of('coax_webhook_deliveries{state="dead"}'), 0);
  assert.equal(of('coax_hosts{state="lost"}'), 0);
  assert.equal(of('coax_placement_claims_total'), 1);
  assert.equal(of('coax_placement_conflicts_total'), 0);
  assert.ok((of('process_resident_memory_bytes') ?? 0) > 1e7);
  const ours = [...series.keys()].filter(key => key.startsWith('coax_'));
  const labels = new Set(ours.flatMap(key => key.match(/\w+(?==")/g) ?? []));
  assert.deepEqual([...labels].sort(), [
    'le',
    'mode',
    'operation',
    'outcome',
    'role',
    'state',
    'status',
    'step',
  ]);
});

test('without a token there is nothing to see', async () => {
  await using served = await openServed();
  const response = await fetch(`${served.url}/metrics`);
  assert.equal(response.status, 401);
  assert.doesNotMatch(await response.text(), /coax_messages/);
});

test('a duration counts in the first bucket that it does not exceed', () => {
  const histogram = new Histogram();
  for (const seconds of [0, 0.0005, 0.00051, 300, 301]) histogram.observe(seconds);
  assert.deepEqual(
    [histogram.counts[0], histogram.counts[1], histogram.counts.at(-2), histogram.counts.at(-1)],
    [2, 1, 1, 1],
  );
  assert.ok(Math.abs(histogram.sumS - 601.00101) < 1e-9);
});
