/** Who may import whom: .dependency-cruiser.mjs, and for every rule of it a proof that it can fail. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import { codeFiles, ROOT } from './tree.ts';

const { forbidden, options } = (await import(join(ROOT, '.dependency-cruiser.mjs'))).default as {
  forbidden: { name: string }[];
  options: ICruiseOptions;
};
const dirs: string[] = [];
after(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});

async function violations(
  baseDir: string,
  folders: string[],
): Promise<{ modules: string[]; broken: string[] }> {
  const ruleSet = { forbidden } as NonNullable<ICruiseOptions['ruleSet']>;
  const { output } = await cruise(folders, { ...options, ruleSet, validate: true, baseDir });
  const { modules, summary } = output as ICruiseResult;
  return {
    modules: modules.map(({ source }) => source),
    broken: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  };
}

test('every import keeps to its layer, and every module was seen', async () => {
  const { modules, broken } = await violations(ROOT, ['src', 'test', 'bench', 'scripts', 'web']);
  assert.deepEqual(broken, []);
  const seen = new Set(modules);
  const unseen = codeFiles().filter(({ path }) => !path.startsWith('examples/') && !seen.has(path));
  assert.deepEqual(
    unseen.map(({ path }) => path),
    [],
  );
  assert.ok(modules.length > 400, `only ${modules.length} modules were seen`);
});

/** What the imported file imports in turn. */
const BACK: Readonly<Record<string, string>> = {
  'no-cycle': "import type { X } from './x.ts'; export type Y = X;",
  'no-cycle-of-tests': "import { X } from './x.ts'; export const Y = X; export const A = 1;",
};

/** Rule, file, and what is wrong in it. Imported files of `src` are made when they are missing. */
const PLANTED: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['layer-errors', 'src/errors/x.ts', "import '../message/message.ts';"],
  ['layer-linux', 'src/linux/process/x.ts', "import '../../errors/coax-error.ts';"],
  ['layer-message', 'src/message/x.ts', "import type { A } from '../flow/flow.ts';"],
  ['layer-ledger', 'src/ledger/x.ts', "import '../store/store.ts';"],
  ['layer-flow', 'src/flow/x.ts', "import '../step/contract.ts';"],
  ['layer-placement', 'src/placement/x.ts', "import '../store/store.ts';"],
  ['layer-config-file', 'src/config-file/x.ts', "import '../flow/flow.ts';"],
  ['layer-serial', 'src/serial/x.ts', "import '../access/app.ts';"],
  ['layer-package', 'src/package/x.ts', "import '../cloud/cloud.ts';"],
  ['layer-policy', 'src/policy/x.ts', "import '../store/store.ts';"],
  ['layer-api', 'src/api/x.ts', "import '../access/app.ts';"],
  ['layer-secret', 'src/secret/x.ts', "import '../channel/channel.ts';"],
  ['layer-step', 'src/step/x.ts', "import type { A } from '../store/store.ts';"],
  ['layer-tracing', 'src/tracing/x.ts', "import '../errors/coax-error.ts';"],
  ['layer-news', 'src/news/x.ts', "import '../errors/coax-error.ts';"],
  ['layer-store', 'src/store/x.ts', "import '../step/contract.ts';"],
  ['layer-archive', 'src/archive/x.ts', "import '../channel/channel.ts';"],
  ['layer-object-store', 'src/object-store/x.ts', "import '../message/message.ts';"],
  ['layer-cgi', 'src/cgi/x.ts', "import '../access/app.ts';"],
  ['layer-channel', 'src/channel/x.ts', "import '../store/sqlite/engine.ts';"],
  ['layer-webhook', 'src/webhook/x.ts', "import '../access/app.ts';"],
  ['layer-worker', 'src/worker/x.ts', "import '../channel/store-channel.ts';"],
  ['layer-cloud', 'src/cloud/x.ts', "import '../access/app.ts';"],
  ['layer-replay', 'src/replay/x.ts', "import type { A } from '../client/client.ts';"],
  ['layer-identity', 'src/identity/x.ts', "import '../access/app.ts';"],
  ['layer-access', 'src/access/x.ts', "import '../worker/worker.ts';"],
  ['layer-client', 'src/client/x.ts', "import '../store/store.ts';"],
  ['layer-agent', 'src/agent/x.ts', "import type { A } from '../store/store.ts';"],
  ['layer-cli', 'src/cli/commands/x.ts', "import type { A } from '../../store/store.ts';"],
  ['layer-testing', 'src/testing/x.ts', "import '../cli/main.ts';"],
  ['pure', 'src/message/x.ts', "import 'node:fs';"],
  ['engine-chosen-in-one-place', 'src/cli/x.ts', "await import('../store/sqlite/engine.ts');"],
  ['compose-is-loaded-by-up-alone', 'src/cli/main.ts', "import './compose.ts';"],
  ['processes-in-one-place', 'src/cloud/x.ts', "import { spawn } from 'node:child_process'; spawn('x');"],
  ['testing-for-tests-alone', 'src/worker/x.ts', "import '../testing/a.ts';"],
  ['index-is-for-users', 'src/step/x.ts', "import type { A } from '../index.ts';"],
  ['no-cycle', 'src/message/x.ts', "import type { Y } from './y.ts';"],
  ['no-cycle-of-tests', 'test/x.ts', "import { A } from './y.ts'; export const X = A;"],
  ['resolvable', 'src/message/x.ts', "import './nowhere-at-all.ts';"],
  ['layer-web', 'web/src/x.ts', "import '../../src/client/client.ts';"],
  ['web-takes-types-alone', 'web/src/x.ts', "import '../../src/api/message.ts';"],
  ['web-parts-know-no-screen', 'web/src/parts/x.ts', "import '../screens/message.ts';"],
  ['web-has-no-node', 'web/src/x.ts', "import 'node:fs';"],
  ['server-knows-no-page', 'src/access/x.ts', "import '../../web/src/main.ts';"],
  ['declared', 'src/store/x.ts', "import 'planted';"],
];

test('each rule is broken by a file that breaks it, and by that one alone', async () => {
  const names = forbidden.map(({ name }) => name);
  assert.deepEqual([...new Set(PLANTED.map(([rule]) => rule))].sort(), [...names].sort());
  for (const [rule, file, text] of PLANTED) {
    const dir = mkdtempSync(join(tmpdir(), 'coax-layers-'));
    dirs.push(dir);
    const write = (path: string, content: string): void => {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    };
    write('package.json', '{"devDependencies": {"planted": "1"}}');
    write('node_modules/planted/package.json', '{"name": "planted", "main": "a.js"}');
    write('node_modules/planted/a.js', '');
    write(file, text);
    const target = /'(\.[^']+)'/.exec(text)?.[1];
    if (target !== undefined && rule !== 'resolvable') {
      write(join(dirname(file), target), BACK[rule] ?? 'export type A = 1;');
    }
    const { broken } = await violations(dir, [file.split('/')[0]!]);
    assert.ok(
      broken.some(line => line.startsWith(`${rule}: ${file}`)),
      `${rule}: ${broken.join(', ') || 'found nothing'}`,
    );
  }
});
