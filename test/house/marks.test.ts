import assert from 'node:assert/strict';
import test from 'node:test';
import { describeApi } from '../../src/access/describe/describe-api.ts';

interface Operation {
  readonly operationId: string;
  readonly 'x-coax-access'?: { readonly opens?: string; readonly needs?: string; readonly scope?: string };
}

/** Operations that do not say who may ask for them. */
function unmarked(document: { paths: Record<string, Record<string, Operation>> }): string[] {
  return Object.values(document.paths)
    .flatMap(path => Object.values(path))
    .filter(({ 'x-coax-access': mark = {} }) => {
      if (mark.opens === 'anyone' || mark.opens === 'known') return false;
      return mark.needs === undefined || mark.scope === undefined;
    })
    .map(({ operationId }) => operationId);
}

test('every operation of the API says who may ask for it', async () => {
  const document = JSON.parse(await describeApi());
  assert.deepEqual(unmarked(document), []);
  const [path] = Object.keys(document.paths);
  const [method] = Object.keys(document.paths[path!]);
  const operation = document.paths[path!][method!];
  delete operation['x-coax-access'].needs;
  delete operation['x-coax-access'].opens;
  assert.deepEqual(unmarked(document), [operation.operationId]);
});
