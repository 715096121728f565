/**
 * Every operation of the document, driven by the document: what fits its schemas and what does not, on a whole server. No
 * answer is a defect; each has a status, a media type and a form that the document names; each refusal is a problem whose type
 * opens.
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { describeApi } from '../../src/access/describe/describe-api.ts';
import { Publisher } from '../package/publisher.ts';
import { openServed, plan, type Served, TOKEN } from './access-fixture.ts';
import { FACTS, HostKey, reportOf } from './agent-fixture.ts';
import { fitting, least, type Schema, type Schemas, unfitting } from './schema-arbitrary.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
  readonly $ref?: string;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { content: { 'application/json': { schema: Schema } } };
  readonly responses: {
    [status: string]: { $ref?: string; content?: { [type: string]: { schema: Schema } } };
  };
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: { [path: string]: { [method: string]: Operation } };
  readonly components: { schemas: Schemas };
}
interface Driven {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}
interface Request {
  url: string;
  body: unknown;
  headers?: Record<string, string>;
}
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
}

/** Their answers have no end; test/system/access-events.test.ts and access-worker.test.ts read them. */
const STREAMS = new Set(['events', 'session']);
/** Asks to be held: these would only make the test slow. */
const HOLDING = new Set(['wait', 'waitMs']);
/** Of these, generated values would take the host that the others need, or work that they count on. */
const SAMPLE_ALONE = new Set([
  'agentReport',
  'agentGoodbye',
  'enrol',
  'agentSession',
  'revokeAgent',
  'finish',
  'release',
  'decideMany',
]);

let served: Served;
let document: OpenApi;
let schemas: Schemas;
/** What stands in paths and queries, by the name of the parameter. */
let values: Record<string, string | number>;
/** Bodies, and other values for the path, of operations that need more than the least. */
let samples: Record<string, { values?: Record<string, string | number>; body?: unknown; token?: string }>;

before(async () => {
  // So many ask without a token here that they would be taken for somebody who guesses.
  served = await openServed({ limits: { 'address-burst': 10_000 } });
  document = (await (await fetch(`${served.url}/openapi.json`)).json()) as OpenApi;
  schemas = document.components.schemas;
  const vm = async (name: string) =>
    served.client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128, name } }, { waitMs: 30_000 });
  const message = async (...steps: string[]) =>
    (await served.client.submit({ plan: plan(...steps) }, { waitMs: 10_000 })).msgid;
  const made = await vm('contract');
  assert.equal(made.status, 'done');
  await vm('to-remove');
  values = {
    msgid: made.msgid,
    prefix: made.head,
    name: 'contract',
    host: 'contract-host',
    worker: 'w-contract',
    a: made.msgid,
    b: made.head,
  };
  await served.services.identity.bindings.grant('ann@example.org', 'default', 'viewer', 'tester');
  const waiting = await served.client.submit({ plan: plan('nobody here') });
  const [oldKey] = await served.services.secretKeys.list();
  await served.services.secretKeys.rotate();
  samples = {
    ...(await hostSamples()),
    ...(await webhookSamples()),
    ...(await packageSamples()),
    dropSecretKey: { values: { id: oldKey!.id } },
    submit: { body: { plan: plan('lab note') } },
    claim: { body: { worker: 'w-contract', addresses: ['nowhere'] } },
    extend: { body: { claims: [{ msgid: waiting.msgid, fence: 0 }] } },
    release: { body: { claims: [{ msgid: waiting.msgid, fence: 99 }] } },
    finish: {
      body: { msgid: made.msgid, fence: 0, outcome: { kind: 'ok', set: {} }, started: 1, finished: 2 },
    },
    signIn: { body: { token: TOKEN } },
    createToken: { body: { name: 'sample', project: 'default', role: 'viewer' } },
    cancel: { values: { msgid: waiting.msgid } },
    revert: { values: { msgid: await message('lab note') } },
    rewind: { values: { msgid: await message('lab note') }, body: { to: 0 } },
    resolve: { values: { msgid: await message('lab stick', 'lab fail') }, body: { how: 'undone' } },
    role: { values: { subject: 'ann@example.org', project: 'default' } },
    revokeLoginSession: { values: { id: await sessionId() } },
    decideMany: { body: { verb: 'cancel', selector: 'nobody=here' } },
    removeVm: { values: { name: 'to-remove' } },
    flow: { values: { name: 'create_vm' } },
    plan: { values: { name: 'create_vm' }, body: { parameters: { cpu: 1, mem: 128 } } },
    network: { values: { name: (await served.services.cloud.networks())[0]!.name } },
  };
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

async function sessionId(): Promise<string> {
  const { sessions } = served.services.identity;
  await sessions.open({ actor: 'ann@example.org', subjects: [] });
  return (await sessions.list())[0]!.id;
}

/** Webhooks that nothing is sent to: no server of this test sends any. */
async function webhookSamples(): Promise<typeof samples> {
  const url = 'https://example.org/coax';
  const make = async () => {
    const { webhook } = await served.services.webhooks.create({
      project: 'default',
      url,
      events: ['done'],
      flow: null,
      actor: 'tester',
    });
    return { id: webhook.id };
  };
  const [kept, removed] = [await make(), await make()];
  return {
    createWebhook: { body: { url, events: ['done'] } },
    webhook: { values: kept },
    editWebhook: { values: kept, body: { events: ['parked'] } },
    rotateWebhookSecret: { values: kept },
    testWebhook: { values: kept },
    webhookDeliveries: { values: kept },
    retryWebhook: { values: kept },
    removeWebhook: { values: removed },
  };
}

/** A repository with one package; the second is there to be published. */
async function packageSamples(): Promise<typeof samples> {
  const publisher = new Publisher(served.services.packages);
  await publisher.init();
  const first = await publisher.bring('1.0.0');
  await served.services.packages.publish(await publisher.next([first]));
  const second = await publisher.bring('1.1.0');
  const [targets, root] = [
    await publisher.next([second]),
    await publisher.nextRoot([publisher.root], [publisher.root]),
  ];
  return {
    repository: {},
    repositoryOnlineKey: {},
    refreshRepository: {},
    collectRepository: { body: { dryRun: true } },
    package: { values: { name: 'web', version: '1.0.0' } },
    rotateRepository: { body: { root: root.toString() } },
    missingContents: { body: { sha256: ['0'.repeat(64)] } },
    putContent: { values: { sha256: hash('sha256', '') } },
    putManifest: { body: second },
    publishTargets: { body: JSON.parse(targets.toString()) },
    repositoryFile: { values: { kind: 'metadata', file: 'timestamp.json' } },
  };
}

/** A host that has joined, with what its own operations take. */
async function hostSamples(): Promise<typeof samples> {
  const { agents } = served.services;
  const [name, key] = ['contract-host', new HostKey()];
  const { token } = await agents.joinToken({ host: '', ttlMs: 60_000, rekeys: false, actor: 'tester' });
  await agents.joinToken({ host: 'unused', ttlMs: 60_000, rekeys: false, actor: 'tester' });
  const unused = (await agents.joinTokens(false)).find(({ host }) => host === 'unused');
  await agents.enrol(token, { host: name, publicKey: key.publicKey, version: '1', facts: FACTS });
  const { nonce } = await agents.challenge(name);
  return {
    enrol: { body: { host: name, publicKey: key.publicKey, version: '1', facts: FACTS }, token },
    agentSession: { body: key.proof(name, nonce) },
    agentReport: { body: reportOf() },
    revokeJoinToken: { values: { id: unused!.id } },
  };
}

test('the committed document is current: npm run docs writes it anew', async () => {
  const committed = readFileSync(join(import.meta.dirname, '../../docs/reference/openapi.json'), 'utf8');
  assert.ok(committed === (await describeApi()), 'run `npm run docs` and commit docs/reference/openapi.json');
});

test('the document is OpenAPI 3.1, and has every operation', () => {
  assert.match(document.openapi, /^3\.1/);
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length >= 42, `${ids.length} operations`);
});

test('a sample of every operation is taken, and answered as the document says', async () => {
  for (const driven of operations()) {
    const { method, operation } = driven;
    const { operationId } = operation;
    // It is good for a minute only.
    if (operationId === 'signInByTicket') {
      const { ticket } = await served.client.access.consoleTicket();
      samples[operationId] = { body: { ticket } };
    }
    const request = sampleOf(driven);
    const answer = await send(method, request, samples[operationId]?.token);
    const shown = `${operationId}: ${method} ${request.url} ${JSON.stringify(request.body)} → ${answer.status} ${answer.text.slice(0, 400)}`;
    // The sample is well formed, so only the state of things may stand against it; of what has a state made for it, nothing.
    if (answer.status >= 400 && !(operationId in samples))
      assert.ok(answer.status === 404 || answer.status === 409, shown);
    else assert.ok(answer.status < 300, shown);
    await assertAsDocumented(driven, answer, shown);
  }
});

test('what fits the schemas is never a defect, and its answer is as the document says', async () => {
  for (const driven of operations()) {
    const { method, path, operation } = driven;
    if (SAMPLE_ALONE.has(operation.operationId)) continue;
    const body = operation.requestBody?.content['application/json'].schema;
    const bodies = body === undefined ? fc.constant(undefined) : fitting(body, schemas).map(withoutWaits);
    const queries = fc.record(
      Object.fromEntries(
        parametersOf(operation, 'query')
          .filter(({ name }) => !HOLDING.has(name))
          .map(({ name, schema }) => [name, fitting(schema, schemas)]),
      ),
      { requiredKeys: requiredQuery(operation), noNullPrototype: true },
    );
    const paths = fc.record(
      Object.fromEntries(
        parametersOf(operation, 'path').map(({ name, schema }) => [
          name,
          fc.oneof(fc.constant(sampleValue(operation, name)), fitting(schema, schemas)),
        ]),
      ),
      { noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(bodies, queries, paths, async (given, query, inPath) => {
        const filled = fill(path, name => String(inPath[name]).toWellFormed() || 'x');
        const request = { url: withQuery(filled, query), body: given };
        const answer = await send(method, request, samples[operation.operationId]?.token);
        await assertAsDocumented(driven, answer, shownOf(method, request, answer));
      }),
      { numRuns: 12, seed: 4711, endOnFailure: true },
    );
  }
  assert.deepEqual(served.logged, []);
});

test('a body that does not fit is refused, whatever is wrong with it', async () => {
  let refused = 0;
  for (const driven of operations()) {
    const { method, operation } = driven;
    const schema = operation.requestBody?.content['application/json'].schema;
    const request = sampleOf(driven);
    if (method !== 'GET') {
      const answer = await send(method, request, undefined, { type: 'nonsense', text: '<a/>' });
      assert.equal(answer.status, 415, shownOf(method, request, answer));
      await assertAsDocumented(driven, answer, operation.operationId);
    }
    if (schema === undefined) continue;
    for (const { what, value } of unfitting(schema, schemas, request.body)) {
      const answer = await send(method, { ...request, body: value }, samples[operation.operationId]?.token);
      const shown = `${operation.operationId}, ${what}: ${shownOf(method, { ...request, body: value }, answer)}`;
      // Where it stands in the line decides between these: the form is looked at before the thing, or after it.
      assert.ok([400, 404, 409].includes(answer.status), shown);
      await assertAsDocumented(driven, answer, shown);
      refused += answer.status === 400 ? 1 : 0;
    }
    for (const [type, text, status] of [
      ['application/json', '{"a":', 400],
      ['application/json', '{"__proto__":{"a":1}}', 400],
      ['text/xml', '<a/>', 415],
    ] as const) {
      const answer = await send(method, { ...request, body: undefined }, undefined, { type, text });
      assert.equal(answer.status, status, shownOf(method, request, answer));
      await assertAsDocumented(driven, answer, operation.operationId);
    }
  }
  assert.ok(refused > 200, `${refused} bodies were refused for their form`);
  assert.deepEqual(served.logged, []);
});

test('nothing in a path or a query makes a defect', async () => {
  const word = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.integer().map(String),
    fc.constantFrom(
      '',
      '0',
      '-1',
      '1e9',
      'NaN',
      '..',
      '__proto__',
      'constructor',
      String(2 ** 53),
      'a'.repeat(400),
      "'; --",
    ),
  );
  for (const driven of operations()) {
    const { method, path, operation } = driven;
    const names = parametersOf(operation, 'query').map(({ name }) => name);
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 12, maxLength: 12 }),
        fc.boolean(),
        async (words, inPath) => {
          const spare = words.map(text => text.toWellFormed());
          const request = sampleOf(driven);
          if (inPath) request.url = fill(path, () => spare.pop() || 'x');
          else {
            const query = names.filter(name => !HOLDING.has(name)).map(name => [name, spare.pop()!]);
            request.url = withQuery(request.url.split('?')[0]!, Object.fromEntries(query));
          }
          if (SAMPLE_ALONE.has(operation.operationId) && !inPath) return;
          const answer = await send(method, request);
          await assertAsDocumented(driven, answer, shownOf(method, request, answer));
        },
      ),
      { numRuns: 10, seed: 4711, endOnFailure: true },
    );
  }
  assert.deepEqual(served.logged, []);
});

test('without a token nothing is answered that asks for one', async () => {
  for (const driven of operations()) {
    if (driven.operation.security !== undefined) continue;
    const request = sampleOf(driven);
    for (const token of ['', 'coax_wrong-token']) {
      const answer = await send(driven.method, request, token);
      assert.equal(answer.status, 401, shownOf(driven.method, request, answer));
      await assertAsDocumented(driven, answer, driven.operation.operationId);
    }
  }
});

function operations(): Driven[] {
  return Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation,
      })),
    )
    .filter(({ operation }) => !STREAMS.has(operation.operationId));
}

function parametersOf(operation: Operation, where: string): Parameter[] {
  return (operation.parameters ?? []).filter(parameter => parameter.in === where);
}

const requiredQuery = (operation: Operation): string[] =>
  parametersOf(operation, 'query').flatMap(({ name, required }) => (required ? [name] : []));

const sampleValue = ({ operationId }: Operation, name: string): string | number =>
  samples[operationId]?.values?.[name] ?? values[name] ?? 'x';

/** A request that fits, and finds what it asks for where the test has made it. */
function sampleOf({ path, operation }: Driven): Request {
  const url = fill(path, name => String(sampleValue(operation, name)));
  const query = Object.fromEntries(
    requiredQuery(operation).map(name => [name, sampleValue(operation, name)]),
  );
  const schema = operation.requestBody?.content['application/json'].schema;
  const body = samples[operation.operationId]?.body ?? (schema && least(schema, schemas));
  return { url: withQuery(url, query), body };
}

function fill(path: string, value: (name: string) => string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name)));
}

function withQuery(url: string, query: Readonly<Record<string, unknown>>): string {
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value).toWellFormed()]),
  );
  return search.size > 0 ? `${url}?${search}` : url;
}

/** A generated wait would hold the test up. */
function withoutWaits(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !HOLDING.has(name)));
}

async function send(
  method: string,
  { url, body }: Request,
  token: string = TOKEN,
  raw?: { type: string; text: string },
): Promise<Answer> {
  const text = raw?.text ?? (body === undefined || method === 'GET' ? undefined : JSON.stringify(body));
  const answer = await fetch(served.url + url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': raw?.type ?? 'application/json' }),
    },
    ...(text !== undefined && { body: text }),
  });
  const { status, headers } = answer;
  return { status, headers, type: headers.get('content-type') ?? '', text: await answer.text() };
}

const shownOf = (method: string, { url, body }: Request, { status, text }: Answer): string =>
  `${method} ${url} ${JSON.stringify(body)?.slice(0, 300)} → ${status} ${text.slice(0, 300)}`;

/** The status is one that the operation names, and the body, its media type and its headers are what it says of it. */
async function assertAsDocumented(
  { method, operation }: Driven,
  answer: Answer,
  shown: string,
): Promise<void> {
  const { status, type, headers, text } = answer;
  assert.ok(status < 500, shown);
  assert.ok(headers.get('x-request-id'), shown);
  const declared = operation.responses[status];
  assert.ok(declared, `${shown}\n${status} is not documented`);
  if (status >= 400) return assertProblem(answer, shown);
  if (declared.content === undefined) return assert.equal(text, '', shown);
  const [expected, { schema }] = Object.entries(declared.content)[0]!;
  assert.ok(type.startsWith(expected), shown);
  if (expected !== 'application/json') return;
  const parsed = checker(schema).safeParse(JSON.parse(text));
  assert.ok(parsed.success, `${shown}\n${JSON.stringify(parsed.error?.issues)}`);
  if (method === 'GET' && operation.security === undefined)
    assert.match(headers.get('etag') ?? '', /^"/, shown);
  if (status === 202 && !text.startsWith('{"items"'))
    assert.match(headers.get('location') ?? '', /^\/v1\//, shown);
}

const errorsPage = readFileSync(join(import.meta.dirname, '../../docs/reference/errors.md'), 'utf8');
const opened = new Set<string>();

async function assertProblem({ status, type, text }: Answer, shown: string): Promise<void> {
  assert.match(type, /^application\/problem\+json/, shown);
  const problem = checker({ $ref: '#/components/schemas/Problem' }).safeParse(JSON.parse(text));
  assert.ok(problem.success, shown);
  const { type: link, code, status: told } = problem.data as { type: string; code: string; status: number };
  assert.equal(told, status, shown);
  assert.equal(link, `/errors/${code}`, shown);
  if (opened.has(link)) return;
  opened.add(link);
  assert.equal((await fetch(served.url + link)).status, 200, link);
  assert.ok(errorsPage.includes(`\n### ${code}\n`), `docs/reference/errors.md lacks ${code}`);
}

const checkers = new Map<string, z.ZodType>();

function checker(schema: Schema): z.ZodType {
  const key = JSON.stringify(schema);
  let made = checkers.get(key);
  if (made === undefined) {
    const text = JSON.stringify({ ...schema, $defs: schemas });
    made = z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
    checkers.set(key, made);
  }
  return made;
}
