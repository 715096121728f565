import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { describeApi } from '../../src/access/describe/describe-api.ts';
import { openServed, plan, type Served, TOKEN } from './access-fixture.ts';
import { FACTS, HostKey, reportOf } from './agent-fixture.ts';

type Schema = { [key: string]: unknown };
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: unknown[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: Schema }[];
  readonly requestBody?: { content: { 'application/json': { schema: Schema } } };
  readonly responses: { [status: string]: { content?: { [type: string]: { schema: Schema } } } };
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: { [path: string]: { [method: string]: Operation } };
  readonly components: { schemas: { [name: string]: Schema } };
}

const STREAMS = new Set(['events', 'session']);
let served: Served;
let document: OpenApi;
let values: { msgid: number; prefix: string };
/** A host that has joined, with what its own operations take. */
let host: { name: string; token: string; key: HostKey; proof: object };

before(async () => {
  served = await openServed();
  document = (await (await fetch(`${served.url}/openapi.json`)).json()) as OpenApi;
  const { client } = served;
  const vm = await client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: 'contract' } });
  const { head, status } = await client.waitFor(vm.msgid, { timeoutMs: 30_000 });
  assert.equal(status, 'done');
  values = { msgid: vm.msgid, prefix: head };
  const { agents } = served.services;
  const [name, key] = ['contract-host', new HostKey()];
  const { token } = await agents.joinToken({ host: '', ttlMs: 60_000, rekeys: false, actor: 'tester' });
  await agents.enrol(token, { host: name, publicKey: key.publicKey, version: '1', facts: FACTS });
  const { nonce } = await agents.challenge(name);
  host = { name, token, key, proof: key.proof(name, nonce) };
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

test('the committed document is current: npm run docs writes it anew', async () => {
  const committed = readFileSync(join(import.meta.dirname, '../../docs/reference/openapi.json'), 'utf8');
  assert.ok(committed === (await describeApi()), 'run `npm run docs` and commit docs/reference/openapi.json');
});

test('the document is OpenAPI 3.1, every reference leads somewhere, every operation says what it is', () => {
  assert.match(document.openapi, /^3\.1/);
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(document.components.schemas[name!], `${name} is missing`);
  }
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(operations().every(({ operation }) => operation.summary.length > 5));
  assert.ok(ids.length >= 42, `${ids.length} operations`);
});

test('every operation takes what its schema says, and answers as its schema says', async () => {
  for (const { method, path, operation } of operations()) {
    if (STREAMS.has(operation.operationId)) continue;
    const request = validRequest(path, operation);
    const token = operation.operationId === 'enrol' ? host.token : TOKEN;
    const { status, type, text } = await send(method, request, token);
    const shown = `${operation.operationId}: ${method} ${request.url} ${JSON.stringify(request.body)} → ${status} ${text.slice(0, 400)}`;
    if (status >= 400) {
      assertProblem(status, type, text, shown);
      // The sample is well formed, so only the state of things may stand against it.
      assert.ok(status === 404 || status === 409, shown);
      continue;
    }
    const declared = operation.responses[status]?.content;
    assert.ok(declared, shown);
    const [expected, { schema }] = Object.entries(declared)[0] as [string, { schema: Schema }];
    assert.ok(type.startsWith(expected), shown);
    if (expected !== 'application/json') continue;
    const parsed = checker(schema).safeParse(JSON.parse(text));
    assert.ok(parsed.success, `${shown}\n${JSON.stringify(parsed.error?.issues)}`);
  }
});

test('no input makes a defect, and every refusal is a problem', async () => {
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
    ),
  );
  const body = fc.jsonValue({ maxDepth: 4 });
  for (const { method, path, operation } of operations()) {
    if (STREAMS.has(operation.operationId)) continue;
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 8, maxLength: 8 }),
        body,
        fc.nat(3),
        async (words, junk, which) => {
          const request = validRequest(path, operation);
          const spare = [...words];
          // Either the path, the query or the body is spoilt, or a member of a good body.
          if (which === 0)
            request.url = fill(path, () => encodeURIComponent(spare.pop()!.toWellFormed() || 'x'));
          else if (which === 1) {
            const queried = (operation.parameters ?? []).filter(p => p.in === 'query' && p.name !== 'wait');
            const query = queried.map(({ name }): [string, string] => [name, spare.pop()!.toWellFormed()]);
            request.url = `${request.url.split('?')[0]}?${new URLSearchParams(query)}`;
          } else if (method === 'GET') return;
          else if (which === 2 || typeof request.body !== 'object' || request.body === null)
            request.body = junk;
          else {
            const names = Object.keys(request.body);
            const name = names[words[0]!.length % Math.max(names.length, 1)];
            if (name === undefined || name === 'waitMs') return;
            request.body = { ...request.body, [name]: junk };
          }
          const { status, type, text } = await send(method, request);
          const shown = `${method} ${request.url} ${JSON.stringify(request.body)} → ${status} ${text.slice(0, 300)}`;
          assert.ok(status < 500, shown);
          if (status >= 400) assertProblem(status, type, text, shown);
        },
      ),
      { numRuns: 25, seed: 4711, endOnFailure: true },
    );
  }
  assert.deepEqual(served.logged, []);
});

function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

interface Request {
  url: string;
  body: unknown;
}

async function send(method: string, { url, body }: Request, token = TOKEN) {
  const answer = await fetch(served.url + url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && method !== 'GET' && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
}

function assertProblem(status: number, type: string, text: string, shown: string): void {
  assert.match(type, /^application\/problem\+json/, shown);
  const problem = checker({ $ref: '#/components/schemas/Problem' }).safeParse(JSON.parse(text));
  assert.ok(problem.success, shown);
  assert.equal((problem.data as { status: number }).status, status, shown);
}

function checker(schema: Schema): z.ZodType {
  return z.fromJSONSchema(
    JSON.parse(
      JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll(
        '#/components/schemas/',
        '#/$defs/',
      ),
    ),
  );
}

/** A request that fits; its body is the schema's example, or the least that fits. */
function validRequest(path: string, operation: Operation): Request {
  const url = fill(path, name => encodeURIComponent(String(sampleValues()[name])));
  const query = (operation.parameters ?? []).filter(p => p.in === 'query' && p.required);
  const search = new URLSearchParams(
    query.map(({ name }): [string, string] => [name, String(sampleValues()[name])]),
  );
  const schema = operation.requestBody?.content['application/json'].schema;
  const special: { [id: string]: unknown } = {
    submit: { plan: plan('lab note') },
    finish: { msgid: values.msgid, fence: 0, outcome: { kind: 'ok', set: {} }, started: 1, finished: 2 },
    claim: { worker: 'w-contract', addresses: ['nobody'] },
    enrol: { host: host.name, publicKey: host.key.publicKey, version: '1', facts: FACTS },
    agentSession: host.proof,
    agentReport: reportOf(),
  };
  const body = special[operation.operationId] ?? (schema && least(schema));
  return { url: query.length > 0 ? `${url}?${search}` : url, body };
}

function sampleValues(): { [name: string]: string | number } {
  return {
    ...values,
    host: host.name,
    name: 'contract',
    a: values.msgid,
    b: values.msgid,
    worker: 'w-contract',
  };
}

function fill(path: string, value: (name: string) => string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => value(name));
}

/** The least value that fits a schema. */
function least(schema: Schema): unknown {
  if (typeof schema.$ref === 'string')
    return least(document.components.schemas[schema.$ref.split('/').at(-1)!]!);
  if (Array.isArray(schema.examples)) return schema.examples[0];
  if ('default' in schema) return schema.default;
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const forms = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (forms) return least(forms[0]!);
  switch (schema.type) {
    case 'object': {
      const properties = (schema.properties ?? {}) as { [name: string]: Schema };
      return Object.fromEntries(
        ((schema.required ?? []) as string[]).map(name => [name, least(properties[name]!)]),
      );
    }
    case 'array':
      return Array.from({ length: (schema.minItems as number) ?? 0 }, () => least(schema.items as Schema));
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'string':
      return 'name: x\nsteps:\n  - lab note\n'.slice(0, (schema.maxLength as number) ?? 100);
    default:
      return {};
  }
}
