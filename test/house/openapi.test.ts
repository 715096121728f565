/** The document of the API keeps to the rules of a linter, and to some of ours. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { ROOT } from './tree.ts';

const PATH = 'docs/reference/openapi.json';
const text = readFileSync(join(ROOT, PATH), 'utf8');

/** `recommended-strict`, and what it leaves out that readers of a document like. */
const config = await createConfig({
  extends: ['recommended-strict'],
  rules: {
    'operation-4xx-response': 'error',
    'operation-singular-tag': 'error',
    'tag-description': 'error',
    'paths-kebab-case': 'error',
    'no-path-trailing-slash': 'error',
    'no-http-verbs-in-paths': 'off',
    'no-invalid-media-type-examples': 'error',
    'no-invalid-schema-examples': 'error',
    'no-invalid-parameter-examples': 'error',
    'path-declaration-must-exist': 'error',
    'parameter-description': 'error',
  },
});

async function faults(document: string): Promise<string[]> {
  const found = await lintFromString({ source: document, absoluteRef: join(ROOT, PATH), config });
  return found.map(({ ruleId, message, location: [at] }) => `${ruleId}: ${message} (${at?.pointer})`);
}

test('the linter has nothing to say against the document', async () => {
  assert.deepEqual(await faults(text), []);
});

// biome-ignore lint/suspicious/noExplicitAny: a document to be broken
const broken = (breaks: (document: any) => void): string => {
  const document = JSON.parse(text);
  breaks(document);
  return JSON.stringify(document);
};

test('what is wrong in a document is found', async () => {
  const cases: readonly (readonly [rule: string, document: string])[] = [
    ['operation-operationId-unique', broken(d => (d.paths['/v1/hosts'].get.operationId = 'vms'))],
    ['operation-summary', broken(d => delete d.paths['/v1/hosts'].get.summary)],
    ['security-defined', broken(d => (d.security = [{ nothing: [] }]))],
    ['no-unresolved-refs', broken(d => delete d.components.schemas.Host)],
    ['no-unused-components', broken(d => (d.components.schemas.Spare = { type: 'object' }))],
    ['struct', broken(d => (d.paths['/v1/hosts'].get.responses[200] = {}))],
  ];
  for (const [rule, document] of cases) {
    const found = await faults(document);
    assert.ok(
      found.some(line => line.startsWith(`${rule}: `)),
      `${rule}: ${found.join('; ')}`,
    );
  }
});

test('operation ids are camelCase, and every operation has a tag that is described', () => {
  const { paths, tags } = JSON.parse(text) as {
    paths: Record<string, Record<string, { operationId: string; tags: string[] }>>;
    tags: { name: string }[];
  };
  const known = new Set(tags.map(({ name }) => name));
  for (const operation of Object.values(paths).flatMap(path => Object.values(path))) {
    assert.match(operation.operationId, /^[a-z]+([A-Z][a-z]+)*$/);
    assert.ok(known.has(operation.tags[0]!), operation.operationId);
  }
});
