import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from './app.ts';

type Document = Record<string, unknown>;

/** Registers what gathers the OpenAPI 3.1 document from the schemas that the routes check by. */
export async function registerOpenApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coax',
        version,
        description:
          'A cloud scheduling system. Errors are problem+json (RFC 9457); every list has pages by `cursor`; what changes is told by server-sent events.',
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
      tags: [
        { name: 'messages', description: 'Requests under way, and ended.' },
        { name: 'decisions', description: 'What a person decides about a message.' },
        { name: 'ledger', description: 'All that ever happened.' },
        { name: 'flows', description: 'Named plans, and the actions they are made of.' },
        { name: 'cloud', description: 'Hosts, networks and VMs.' },
        { name: 'hosts', description: 'Hosts that join with an agent of their own.' },
        { name: 'worker protocol', description: 'For workers in any language.' },
        { name: 'server', description: 'The server itself.' },
      ],
    },
    transform: jsonSchemaTransform,
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
    components: { schemas: Record<string, unknown> };
  };
  const { schemas } = document.components;
  // New members may come into an answer: clients that check by this document must let them pass.
  for (const name of Object.keys(schemas)) if (!name.endsWith('Input')) allowMore(schemas[name]);
  for (const operation of Object.values(document.paths).flatMap(path => Object.values(path as Document))) {
    allowMore((operation as Document).responses);
  }
  const used = referred(document.paths, schemas);
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name];
  const renamed = new Map<string, string>();
  for (const name of Object.keys(schemas)) {
    const plain = name.replace(/Input$/, '');
    if (plain !== name && (!(plain in schemas) || sameButNames(schemas[name], schemas[plain])))
      renamed.set(name, plain);
  }
  const text = JSON.stringify(document, (key, value) => {
    if (key !== '$ref' || typeof value !== 'string') return value;
    const name = value.slice(value.lastIndexOf('/') + 1);
    return `#/components/schemas/${renamed.get(name) ?? name}`;
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
