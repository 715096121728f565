/** Runs what docs/how-to/write-a-flow.md and write-a-step.md show, and proves that they show what is run. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkParameters } from '../../src/flow/check-parameters.ts';
import { lintFlow } from '../../src/flow/lint-flow.ts';
import { planOf } from '../../src/flow/plan-of.ts';
import { advance } from '../../src/message/advance.ts';
import type { ActionStep, MessageState, Parameters } from '../../src/message/message.ts';
import { outputOf, parametersOf } from '../../src/message/parameters.ts';
import { startState } from '../../src/message/start-state.ts';
import { type OpenCatalogue, openCatalogue } from '../../src/step/catalogue.ts';
import { type FlowBook, openFlows } from '../../src/step/flow-folder.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/own-flow');
let catalogue: OpenCatalogue;
let flows: FlowBook;
let dir: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'coax-own-flow-'));
  catalogue = openCatalogue({ builtin: [], dirs: [join(example, 'modules')] });
  flows = openFlows({ dirs: [join(example, 'flows')] });
  assert.deepEqual(await catalogue.refresh(), []);
  assert.deepEqual(await flows.refresh(), []);
});

after(() => rmSync(dir, { recursive: true }));

/** Takes one message to its resting place, step by step, as a worker does but for the store. */
async function run(msgid: number, given: Parameters): Promise<MessageState> {
  const flow = flows.find('publish_service')!;
  const plan = planOf(flow, (module, action) => catalogue.find(module, action)?.code);
  let state = startState(plan, checkParameters(flow, { dir, ...given }));
  for (let seq = 1; state.phase === 'open'; seq++) {
    const step = plan.steps[state.cursor] as ActionStep;
    const outcome = await catalogue.find(step.module, step.action)!.run({
      msgid,
      step: state.cursor,
      attempt: state.attempt + 1,
      key: `${msgid}.${state.cursor}`,
      fence: seq,
      mode: state.mode,
      parameters: parametersOf(state),
      output: outputOf(state, state.cursor),
      host: null,
      worker: 'test',
      timeoutMs: step.timeoutMs,
      signal: new AbortController().signal,
      log() {},
      detail() {},
    });
    state = advance(state, plan, outcome, { seq, random: 0 }).next;
  }
  return state;
}

const filesIn = (folder: string): string[] => readdirSync(join(dir, folder)).sort();

test('lint has nothing to say', () => {
  assert.deepEqual(lintFlow(flows.find('publish_service')!, catalogue), []);
});

test('three steps in three languages are done', async () => {
  const state = await run(1, { service: 'shop.example', ip: '10.0.0.7' });
  assert.equal(state.phase, 'done', JSON.stringify(state.error));
  const { record, port, url } = parametersOf(state);
  assert.deepEqual([record, port, url], ['shop.example. IN A 10.0.0.7', 8000, 'http://shop.example:8000/']);
  assert.deepEqual(
    [filesIn('zone'), filesIn('ports'), filesIn('inventory')],
    [['shop.example'], ['8000'], ['shop.example.json']],
  );
});

test('no port left: the record is taken back, what others made stays', async () => {
  const state = await run(2, { service: 'blog.example', ip: '10.0.0.8', ports: 1 });
  assert.equal(state.phase, 'rolled_back');
  assert.deepEqual([state.error?.code, state.error?.reason], ['NO_FREE_PORT', 'all 1 ports are reserved']);
  assert.deepEqual([filesIn('zone'), filesIn('ports')], [['shop.example'], ['8000']]);
});

test('a name that is taken: its owner keeps it', async () => {
  const state = await run(3, { service: 'shop.example', ip: '10.0.0.9' });
  assert.equal(state.phase, 'rolled_back');
  assert.match(state.error!.reason, /the name shop.example is taken/);
  assert.match(readFileSync(join(dir, 'zone', 'shop.example'), 'utf8'), /10\.0\.0\.7/);
});

test('an attempt that is repeated finds its own work', async () => {
  const state = await run(1, { service: 'shop.example', ip: '10.0.0.7' });
  assert.equal(state.phase, 'done', JSON.stringify(state.error));
  assert.equal(parametersOf(state).port, 8000);
  assert.deepEqual(filesIn('ports'), ['8000']);
});

for (const page of ['write-a-flow.md', 'write-a-step.md']) {
  test(`${page} shows the files that run`, () => {
    const text = readFileSync(join(root, 'docs/how-to', page), 'utf8');
    const shown = [...text.matchAll(/`(examples\/own-flow\/[^`]+)`:\n\n```\w*\n([\s\S]*?)```/g)];
    assert.ok(shown.length > 0);
    for (const [, file, code] of shown) assert.equal(code, readFileSync(join(root, file!), 'utf8'), file);
  });
}
