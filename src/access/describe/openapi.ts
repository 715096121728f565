import swagger from '@fastify/swagger';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from '../app.ts';
import { describeAnswers, sharedAnswers } from './answers.ts';
import { headersOf, PARAMETERS } from './headers.ts';

type Document = Record<string, unknown>;

/** Carries what the route's config says into the document, where it is read and taken away. */
const HEEDED = 'x-heeded';
const SCHEMAS = '#/components/schemas/';

/** Zod leaves out what a number in a query is when it is absent, because it is read of a text. */
const transformSchemas = createJsonSchemaTransform({
  zodToJsonConfig: {
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      if (def.type === 'default' && typeof def.defaultValue === 'number')
        jsonSchema.default ??= def.defaultValue;
    },
  },
});

/** Registers what gathers the OpenAPI 3.1 document from the schemas that the routes check by. */
export async function registerOpenApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coax',
        version,
        description:
          'A cloud scheduling system. Errors are problem+json (RFC 9457); every list has pages by `cursor`; what changes is told by server-sent events. An `X-Request-Id` of 1 to 64 letters, digits, `.`, `_` and `-` is taken over into the answer and the log.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: "The data directory's file `token`." },
          joinToken: {
            type: 'http',
            scheme: 'bearer',
            description: 'Made by `coax host token`; for one host, once.',
          },
        },
      },
      security: [{ token: [] }],
      servers: [{ url: '/', description: 'The server that gives this document.' }],
      tags: [
        { name: 'messages', description: 'Requests under way, and ended.' },
        { name: 'decisions', description: 'What a person decides about a message.' },
        { name: 'ledger', description: 'All that ever happened.' },
        { name: 'flows', description: 'Named plans, and the actions they are made of.' },
        { name: 'cloud', description: 'Hosts, networks and VMs.' },
        { name: 'hosts', description: 'Hosts that join with an agent of their own.' },
        { name: 'access', description: 'Who may do what: projects, tokens, accounts, roles.' },
        { name: 'webhooks', description: 'Events of messages, sent to a URL.' },
        { name: 'packages', description: 'Host packages, and the repository that they come from.' },
        { name: 'worker protocol', description: 'For workers in any language.' },
        { name: 'server', description: 'The server itself.' },
      ],
    },
    transform: given => {
      const made = transformSchemas(given);
      const schema = made.schema as Document | undefined;
      if (schema === undefined || schema.hide === true) return made;
      const { opens, needs, scope, ...config } = given.route.config ?? {};
      const heeded = headersOf(String(given.route.method).toUpperCase(), config);
      // Read by the tests that try every operation with every role.
      const access = { ...(opens && { opens }), ...(needs && { needs }), ...(scope && { scope }) };
      const more = { [HEEDED]: heeded, 'x-coax-access': access };
      return { ...made, schema: { ...schema, ...more } as typeof made.schema };
    },
    transformObject: jsonSchemaTransformObject,
  });
}

/**
 * The document, with a component only where something refers to it, and one name for what is the same coming in and
 * going out.
 */
export function openApiDocument(app: App): Document {
  const document = structuredClone(app.swagger()) as Document & {
    paths: Document;
    components: { schemas: Record<string, unknown> } & Document;
  };
  Object.assign(document.components, sharedAnswers(), { parameters: PARAMETERS });
  for (const path of Object.values(document.paths) as Record<string, Operation>[])
    for (const [method, operation] of Object.entries(path)) describeHeaders(method.toUpperCase(), operation);
  const { schemas } = document.components;
  // New members may come into an answer: clients that check by this document must let them pass.
  for (const name of Object.keys(schemas)) if (!name.endsWith('Input')) allowMore(schemas[name]);
  for (const operation of Object.values(document.paths).flatMap(path => Object.values(path as Document))) {
    allowMore((operation as Document).responses);
  }
  const used = referred([document.paths, document.components.responses], schemas);
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name];
  const renamed = new Map<string, string>();
  for (const name of Object.keys(schemas)) {
    const plain = name.replace(/Input$/, '');
    if (plain !== name && (!(plain in schemas) || sameButNames(schemas[name], schemas[plain])))
      renamed.set(name, plain);
  }
  const text = JSON.stringify(document, (key, value) => {
    if (key !== '$ref' || typeof value !== 'string' || !value.startsWith(SCHEMAS)) return value;
    const name = value.slice(SCHEMAS.length);
    return SCHEMAS + (renamed.get(name) ?? name);
  });
  const mended = JSON.parse(text) as typeof document;
  const sorted: Record<string, unknown> = {};
  for (const name of Object.keys(schemas)
    .map(name => renamed.get(name) ?? name)
    .sort()) {
    const from = mended.components.schemas;
    sorted[name] ??= from[name] ?? from[`${name}Input`];
  }
  mended.components.schemas = sorted;
  return mended;
}

interface Operation {
  parameters?: { in?: string; $ref?: string }[];
  requestBody?: unknown;
  security?: unknown[];
  responses: Record<string, Document>;
  [HEEDED]?: string[];
}

/** The headers that the operation heeds, the headers of its answers, and why it is refused. */
function describeHeaders(method: string, operation: Operation): void {
  const heeded = operation[HEEDED] ?? [];
  delete operation[HEEDED];
  const { content } = (operation.responses[200] ?? {}) as { content?: Document };
  const open = operation.security !== undefined && operation.security.length === 0;
  if (method === 'GET' && !open && content?.['application/json'] !== undefined) heeded.push('IfNoneMatch');
  if (heeded.length > 0) {
    const references = heeded.map(name => ({ $ref: `#/components/parameters/${name}` }));
    operation.parameters = [...(operation.parameters ?? []), ...references];
  }
  describeAnswers(method, operation, heeded);
}

function allowMore(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  const members = schema as Document;
  if (members.additionalProperties === false) delete members.additionalProperties;
  for (const value of Object.values(members)) allowMore(value);
}

function sameButNames(a: unknown, b: unknown): boolean {
  const plain = (value: unknown) =>
    JSON.stringify(value).replace(/(#\/components\/schemas\/\w+?)Input"/g, '$1"');
  return plain(a) === plain(b);
}

function referred(from: unknown, schemas: Record<string, unknown>, found = new Set<string>()): Set<string> {
  for (const [, name] of JSON.stringify(from).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (name === undefined || found.has(name)) continue;
    found.add(name);
    referred(schemas[name] ?? null, schemas, found);
  }
  return found;
}
