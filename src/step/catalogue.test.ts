import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { z } from 'zod';
import type { Parameters } from '../message/message.ts';
import { type OpenCatalogue, openCatalogue } from './catalogue.ts';
import type { StepCall } from './contract.ts';
import { defineModule } from './define-module.ts';

const folders: string[] = [];
const opened: OpenCatalogue[] = [];

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'coax-catalogue-'));
  folders.push(dir);
  return dir;
}

function open(...dirs: string[]): OpenCatalogue {
  const catalogue = openCatalogue({ builtin: [builtin], dirs });
  opened.push(catalogue);
  return catalogue;
}

afterEach(() => {
  for (const catalogue of opened.splice(0)) catalogue.close();
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true });
});

const empty = z.object({});
const builtin = defineModule({
  name: 'network',
  actions: { alloc_ip: { input: empty, output: empty, do: () => ({}), undo() {} } },
});

const moduleText = (name: string, value: string, more = ''): string => `
import { defineModule, z, Terminal } from 'coax';
${more}
export default defineModule({
  name: '${name}',
  actions: {
    get: {
      input: z.object({ fail: z.boolean().default(false) }),
      output: z.object({ value: z.string() }),
      do(input: { fail: boolean }) {
        if (input.fail) throw new Terminal('as you wish');
        return { value: ${value} };
      },
      undo() {},
    },
  },
});
`;

const call = (parameters: Parameters = {}): StepCall => ({
  msgid: 1,
  step: 0,
  attempt: 1,
  key: '1.0',
  fence: 1,
  mode: 'normal',
  parameters,
  output: {},
  host: null,
  worker: 'w',
  timeoutMs: 180_000,
  signal: new AbortController().signal,
  log() {},
  detail() {},
});

async function gotFrom(catalogue: OpenCatalogue, module = 'inventory'): Promise<unknown> {
  const outcome = await catalogue.find(module, 'get')!.run(call());
  return outcome.kind === 'ok' ? outcome.set.value : outcome;
}

test('a TypeScript module is loaded with nothing installed, changed, broken, mended and removed', async () => {
  const dir = folder();
  const file = join(dir, 'inventory.ts');
  const catalogue = open(dir);
  assert.equal(catalogue.find('inventory', 'get'), null);
  assert.ok(catalogue.find('network', 'alloc_ip'), 'built-in actions are there at once');

  writeFileSync(file, moduleText('inventory', "'one'"));
  assert.deepEqual(await catalogue.refresh(), []);
  assert.equal(await gotFrom(catalogue), 'one');
  const { code } = catalogue.find('inventory', 'get')!;

  writeFileSync(file, moduleText('inventory', "'two'"));
  await catalogue.refresh();
  assert.equal(await gotFrom(catalogue), 'two');
  assert.notEqual(catalogue.find('inventory', 'get')!.code, code);

  writeFileSync(file, 'export default {{{');
  const [fault] = await catalogue.refresh();
  assert.equal(fault?.where, file);
  assert.match(fault!.reason, /last good version/);
  assert.equal(await gotFrom(catalogue), 'two', 'the last good version stays');

  writeFileSync(file, moduleText('inventory', "'one'"));
  assert.deepEqual(await catalogue.refresh(), []);
  assert.equal(catalogue.find('inventory', 'get')!.code, code, 'the same bytes have the same hash');

  rmSync(file);
  assert.deepEqual(await catalogue.refresh(), []);
  assert.equal(catalogue.find('inventory', 'get'), null);
});

test('errors that a module throws are those of Coax', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'inventory.ts'), moduleText('inventory', "'x'"));
  const catalogue = open(dir);
  await catalogue.refresh();
  const outcome = await catalogue.find('inventory', 'get')!.run(call({ fail: true }));
  assert.deepEqual(outcome, { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: 'as you wish' } });
});

test('a change in a file that a module imports is followed too', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'parts'));
  const part = join(dir, 'parts', 'name.ts');
  writeFileSync(part, "export const name: string = 'one';");
  writeFileSync(
    join(dir, 'inventory.ts'),
    moduleText('inventory', 'name', "import { name } from './parts/name.ts';"),
  );
  const catalogue = open(dir);
  await catalogue.refresh();
  assert.equal(await gotFrom(catalogue), 'one');
  const { code } = catalogue.find('inventory', 'get')!;
  writeFileSync(part, "export const name: string = 'two';");
  await catalogue.refresh();
  assert.equal(await gotFrom(catalogue), 'two');
  assert.notEqual(catalogue.find('inventory', 'get')!.code, code);
});

test('faults say which file, which line and why; others go on', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'good.ts'), moduleText('good', "'yes'"));
  writeFileSync(join(dir, 'plain.ts'), 'export default { name: "plain" };');
  writeFileSync(join(dir, 'throws.ts'), "\n\nthrow new Error('no database');");
  writeFileSync(join(dir, 'types.ts'), 'enum A { b }\nexport default A;');
  writeFileSync(join(dir, 'lost.ts'), "import './missing.ts';");
  writeFileSync(join(dir, 'badly.ts'), moduleText('Badly', "'x'"));
  const catalogue = open(dir);
  const faults = new Map((await catalogue.refresh()).map(({ where, reason }) => [where, reason]));
  assert.match(faults.get(join(dir, 'plain.ts'))!, /defineModule/);
  assert.match(faults.get(join(dir, 'throws.ts'))!, /no database \(.*throws\.ts:3\)/);
  assert.match(faults.get(join(dir, 'types.ts'))!, /enum/);
  assert.match(faults.get(join(dir, 'lost.ts'))!, /missing\.ts/);
  assert.match(faults.get(join(dir, 'badly.ts'))!, /cannot name a module/);
  for (const reason of faults.values()) assert.doesNotMatch(reason, /\?coax=|\n\s+at /);
  assert.equal(faults.size, 5);
  assert.equal(await gotFrom(catalogue, 'good'), 'yes');
});

test('the first folder wins, and nothing shadows what is built in', async () => {
  const [one, two] = [folder(), folder()];
  writeFileSync(join(one, 'inventory.ts'), moduleText('inventory', "'first'"));
  writeFileSync(join(two, 'inventory.ts'), moduleText('inventory', "'second'"));
  writeFileSync(join(two, 'network.ts'), moduleText('network', "'mine'"));
  const catalogue = open(one, two);
  const faults = await catalogue.refresh();
  assert.equal(await gotFrom(catalogue), 'first');
  assert.equal(catalogue.find('network', 'get'), null);
  assert.match(
    faults.find(({ where }) => where === join(two, 'inventory.ts'))!.reason,
    /is given by .* already/,
  );
  assert.match(faults.find(({ where }) => where === join(two, 'network.ts'))!.reason, /built in/);
});

test('each fault is told once', async () => {
  const dir = folder();
  const told: string[] = [];
  const catalogue = openCatalogue({ builtin: [], dirs: [dir], onFault: ({ where }) => told.push(where) });
  writeFileSync(join(dir, 'a.ts'), 'export default 1;');
  await catalogue.refresh();
  await catalogue.refresh();
  writeFileSync(join(dir, 'b.ts'), 'export default 2;');
  await catalogue.refresh();
  assert.deepEqual(told, [join(dir, 'a.ts'), join(dir, 'b.ts')]);
});

test('executables are found beside the modules', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'dns'));
  const file = join(dir, 'dns', 'add');
  writeFileSync(file, '#!/bin/sh\necho \'{"record": "one"}\'\n');
  chmodSync(file, 0o755);
  writeFileSync(join(dir, 'inventory.ts'), moduleText('inventory', "'x'"));
  const catalogue = open(dir);
  assert.deepEqual(await catalogue.refresh(), []);
  assert.deepEqual(catalogue.modules(), ['dns', 'inventory', 'network']);
  assert.equal(catalogue.find('dns', 'add')!.kind, 'executable');
  const { code } = catalogue.find('dns', 'add')!;
  writeFileSync(file, readFileSync(file, 'utf8').replace('one', 'two'));
  await catalogue.refresh();
  assert.notEqual(catalogue.find('dns', 'add')!.code, code);
  rmSync(join(dir, 'dns'), { recursive: true });
  await catalogue.refresh();
  assert.equal(catalogue.find('dns', 'add'), null);
});

test('changes are followed without being asked', async () => {
  const dir = folder();
  const catalogue = open(dir, join(dir, 'not-there')).watch();
  await catalogue.refresh();
  writeFileSync(join(dir, 'inventory.ts'), moduleText('inventory', "'one'"));
  await until(() => catalogue.find('inventory', 'get') !== null);
  writeFileSync(join(dir, 'inventory.ts'), moduleText('inventory', "'two!'"));
  await until(async () => (await gotFrom(catalogue)) === 'two!');
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (await holds()) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  assert.fail('not within two minutes');
}
