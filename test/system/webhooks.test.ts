/** Webhooks: what a real receiver gets, checks by the library of Standard Webhooks, refuses, and gets again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Webhook as Verifier } from 'standardwebhooks';
import { KeyFile } from '../../src/secret/key-file.ts';
import { openSecrets } from '../../src/secret/open-secrets.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { AddressGuard } from '../../src/webhook/address-guard.ts';
import { postEvent } from '../../src/webhook/post-event.ts';
import { WebhookSender } from '../../src/webhook/webhook-sender.ts';
import { Webhooks } from '../../src/webhook/webhooks.ts';
import { openServed, plan, type Served } from './access-fixture.ts';
import { Processes, until } from './process-fixture.ts';

interface Got {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly event: {
    id: string;
    type: string;
    subject: string;
    specversion: string;
    time: string;
    data: { msgid?: number };
  };
}

/** A receiver that answers as it is told to; what it gets is kept. */
class Receiver {
  readonly got: Got[] = [];
  answer: (got: Got, response: ServerResponse) => void = (_got, response) => response.writeHead(204).end();
  readonly #server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', text => {
      body += text;
    });
    request.on('end', () => {
      const got = { headers: request.headers, body, event: JSON.parse(body || '{}') };
      this.got.push(got);
      this.answer(got, response);
    });
  });
  url = '';

  async open(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
    return this;
  }

  of(msgid: number): Got[] {
    return this.got.filter(({ event }) => event.data.msgid === msgid);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let served: Served;
let receiver: Receiver;
let webhooks: Webhooks;
let sender: WebhookSender;
let cluster: PostgresCluster;
const faults: unknown[] = [];
const dir = mkdtempSync(join(tmpdir(), 'coax-webhooks-'));
const guard = new AddressGuard(['127.0.0.1']);

before(async () => {
  [served, receiver, cluster] = await Promise.all([
    openServed(),
    new Receiver().open(),
    makePostgresCluster(),
  ]);
  const { store } = served.services;
  new KeyFile(join(dir, 'keys')).add(1);
  const { box, keys } = await openSecrets(store, join(dir, 'keys'));
  webhooks = new Webhooks(store, box, guard);
  keys.add(webhooks);
  sender = new WebhookSender({
    store,
    webhooks,
    guard,
    name: 'here',
    agent: 'Coax/test',
    waitsMs: [30, 30],
    onFault: error => void faults.push(error),
  });
});
after(async () => {
  await sender?.close();
  receiver?.close();
  await served?.[Symbol.asyncDispose]();
  await cluster?.close();
  rmSync(dir, { recursive: true });
});

const made = (more: Partial<Parameters<Webhooks['create']>[0]> = {}) =>
  webhooks.create({
    project: 'default',
    url: receiver.url,
    events: ['accepted', 'failed', 'done', 'rolled_back', 'parked'],
    flow: null,
    actor: 'tester',
    ...more,
  });
const submit = async (...steps: string[]): Promise<number> =>
  (await served.client.submit({ plan: plan(...steps) }, { waitMs: 20_000 })).msgid;
const states = async (id: string): Promise<string[]> =>
  (await webhooks.deliveries(id, undefined, { limit: 100 })).map(({ state }) => state);

test('each event comes once, in order, signed, as a CloudEvent, and the library takes it', async () => {
  const { webhook, secret } = await made();
  const done = await submit('lab note', 'lab note');
  const parked = await submit('lab stick', 'lab fail');
  await until('all are there', () => receiver.of(done).length === 2 && receiver.of(parked).length === 3);
  const kinds = (msgid: number) => receiver.of(msgid).map(({ event }) => event.type);
  assert.deepEqual(kinds(done), ['coax.message.accepted', 'coax.message.done']);
  assert.deepEqual(kinds(parked), ['coax.message.accepted', 'coax.message.failed', 'coax.message.parked']);
  const verifier = new Verifier(secret);
  for (const { headers, body, event } of receiver.got) {
    assert.deepEqual(verifier.verify(body, headers as Record<string, string>), event);
    assert.equal(headers['webhook-id'], event.id);
    assert.match(String(headers['content-type']), /^application\/cloudevents\+json/);
    assert.equal(event.specversion, '1.0');
    assert.ok(!Number.isNaN(Date.parse(event.time)));
    assert.throws(() => verifier.verify(`${body} `, headers as Record<string, string>));
    assert.throws(() => new Verifier('whsec_AAAA').verify(body, headers as Record<string, string>));
  }
  assert.equal(new Set(receiver.got.map(({ event }) => event.id)).size, 5);
  await until('they are noted', async () => (await states(webhook.id)).every(state => state === 'delivered'));
  await webhooks.remove(webhook.id);
  assert.deepEqual(await states(webhook.id), []);
});

test('what is refused comes again under the same id, before the next of its message, and is given up in the end', async () => {
  const { webhook } = await made({ events: ['accepted', 'done'] });
  receiver.answer = ({ event }, response) =>
    response.writeHead(event.type.endsWith('done') ? 503 : 204).end();
  const msgid = await submit('lab note');
  await until('it is given up', async () => (await states(webhook.id)).includes('dead'));
  const seen = receiver.of(msgid).map(({ event }) => event.type.replace('coax.message.', ''));
  assert.deepEqual(seen, ['accepted', 'done', 'done', 'done']);
  assert.equal(new Set(receiver.of(msgid).map(({ headers }) => headers['webhook-id'])).size, 2);
  const [dead] = await webhooks.deliveries(webhook.id, 'dead', { limit: 10 });
  assert.deepEqual([dead?.attempts, dead?.result], [3, 'HTTP 503']);
  // Mended, it is sent once more when somebody asks for it.
  receiver.answer = (_got, response) => response.writeHead(200).end('thanks');
  assert.equal(await webhooks.retry(webhook.id, 'no such'), 0);
  assert.equal(await webhooks.retry(webhook.id, dead!.id), 1);
  await until('it is taken', async () => !(await states(webhook.id)).includes('dead'));
  await until('it is noted', async () => (await states(webhook.id)).every(state => state === 'delivered'));
  assert.equal(receiver.of(msgid).length, 5);
  await webhooks.remove(webhook.id);
});

test('another project, another flow and other events are none of its business', async () => {
  const other = await made({ project: 'elsewhere' });
  const flow = await made({ flow: 'create_vm' });
  const kind = await made({ events: ['parked'] });
  const own = await made({ events: ['done'] });
  const msgid = await submit('lab note');
  await until('it is told', () => receiver.of(msgid).length === 1);
  for (const { webhook } of [other, flow, kind]) assert.deepEqual(await states(webhook.id), []);
  for (const { webhook } of [other, flow, kind, own]) await webhooks.remove(webhook.id);
});

test('a new secret and the one before both sign for a day', async () => {
  const { webhook, secret } = await made({ events: ['done'] });
  const second = await webhooks.rotateSecret(webhook.id);
  const msgid = await submit('lab note');
  const got = await until('it is told', () => receiver.of(msgid)[0]);
  for (const known of [secret, second])
    new Verifier(known).verify(got.body, got.headers as Record<string, string>);
  assert.equal(String(got.headers['webhook-signature']).split(' ').length, 2);
  const { store } = served.services;
  assert.deepEqual(await webhooks.secretsOf(webhook.id, store.now()), [second, secret]);
  assert.deepEqual(await webhooks.secretsOf(webhook.id, store.now() + 25 * 3_600_000), [second]);
  await webhooks.remove(webhook.id);
});

test('a receiver that is gone, or never takes anything, is left alone until somebody enables it', async () => {
  const { webhook } = await made({ events: ['done'] });
  receiver.answer = (_got, response) => response.writeHead(410).end();
  await submit('lab note');
  const disabled = async () => {
    const found = await webhooks.find(webhook.id);
    return found?.state === 'disabled' && found.reason;
  };
  assert.match(String(await until('it is disabled', disabled)), /410/);
  receiver.answer = (_got, response) => response.writeHead(204).end();
  const msgid = await submit('lab note');
  await webhooks.edit(webhook.id, { state: 'active' });
  await until('what happened meanwhile comes', () => receiver.of(msgid).length === 1);
  receiver.answer = (_got, response) => response.writeHead(500).end();
  for (let i = 0; i < 5; i++) await submit('lab note');
  assert.match(String(await until('it is disabled', disabled)), /5 deliveries in a row/);
  receiver.answer = (_got, response) => response.writeHead(204).end();
  await webhooks.remove(webhook.id);
});

test('redirects are not followed, slow and endless answers end, and nothing of an answer is told', async () => {
  const event = { id: 'e', body: '{}', secrets: ['whsec_AAAA'], agent: 'test' };
  const post = (timeoutMs?: number) => postEvent(new URL(receiver.url), event, guard, 0, timeoutMs);
  const before = receiver.got.length;
  receiver.answer = (_got, response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end('see there');
  assert.deepEqual(await post(), { ok: false, status: 302, result: 'HTTP 302: redirects are not followed' });
  assert.equal(receiver.got.length, before + 1);
  let asked = false;
  receiver.answer = () => {
    asked = true;
  };
  // On a busy machine it takes a while until the receiver has been asked.
  for (let seconds = 0.1; !asked; seconds *= 4)
    assert.ok((await post(1000 * seconds)).result.includes(`no answer in ${seconds} s`));
  const then = receiver.got.length;
  let closed = false;
  receiver.answer = (_got, response) => {
    response.on('close', () => {
      closed = true;
    });
    response.writeHead(200);
    const more = (): void =>
      void (response.destroyed || response.write('x'.repeat(4096), () => setImmediate(more)));
    more();
  };
  assert.deepEqual(await post(), { ok: true, status: 200, result: 'HTTP 200' });
  await until('an endless answer is cut', () => closed);
  receiver.answer = (_got, response) => response.writeHead(429, { 'retry-after': '7' }).end('secret inside');
  assert.deepEqual(await post(), { ok: false, status: 429, result: 'HTTP 429', retryAfterMs: 7000 });
  assert.equal(receiver.got.length, then + 2);
  receiver.answer = (_got, response) => response.writeHead(204).end();
});

test('nothing went wrong unheard', () => assert.deepEqual(faults, []));

for (const engine of ['SQLite', 'PostgreSQL'] as const) {
  test(`on ${engine} a server that is killed loses no event, and two do not send the same twice`, async () => {
    await using processes = new Processes();
    const own = await new Receiver().open();
    const env: Record<string, string> = {};
    if (engine === 'PostgreSQL') {
      await cluster.createDatabase('webhooks');
      env.COAX_STORE = cluster.url('webhooks');
      env.COAX_SECRET_KEY_FILE = processes.path('keys.json');
    }
    const args = ['--webhook-allow', '127.0.0.1'];
    processes.action('mods', 'probe', 'work', "#!/bin/sh\necho '{}'\n");
    const folders = ['--modules', processes.path('mods')];
    const first = await processes.server('a', [...args, ...folders], env);
    if (engine === 'PostgreSQL') await processes.server('b', [...args, ...folders], env);
    const hook = await first.client.webhooks.create({ url: own.url, events: ['done'] });
    const body = { plan: { steps: [{ module: 'probe', action: 'work' }] } };
    const run = async (client = first.client) => (await client.submit(body, { waitMs: 30_000 })).msgid;
    const told: number[] = [];
    for (let i = 0; i < 5; i++) told.push(await run());
    await until('five are told', () => told.every(msgid => own.of(msgid).length > 0));
    assert.equal(own.got.length, 5, 'each once');
    // Refused while the first server lives; it dies with the events unsent.
    own.answer = (_got, response) => response.writeHead(503).end();
    const late = [await run(), await run()];
    await until('they were tried', () => late.every(msgid => own.of(msgid).length > 0));
    first.program.signal('SIGKILL');
    await first.program.ended;
    own.answer = (_got, response) => response.writeHead(204).end();
    const tried = own.got.length;
    const next = engine === 'SQLite' ? await processes.server('a', [...args, ...folders], env) : null;
    await until('another sends them', () => late.every(msgid => own.of(msgid).length > 1));
    const verifier = new Verifier(hook.secret);
    for (const { headers, body } of own.got.slice(tried))
      verifier.verify(body, headers as Record<string, string>);
    if (next !== null) {
      await until('they are noted', async () => {
        const { items } = await next.client.webhooks.deliveries(hook.id, { state: 'delivered' });
        return items.length === 7;
      });
      const denied = next.client.webhooks.create({ url: 'http://169.254.169.254/', events: ['done'] });
      await assert.rejects(denied, /COAX_WEBHOOK_URL/);
    }
    own.close();
  });
}
