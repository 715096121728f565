/** The API can do all that the command line can: each verb, and the operations that do its work; what works here alone says why. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERBS } from '../../src/cli/verbs.ts';

const ROOT = join(import.meta.dirname, '../..');
const { paths } = JSON.parse(readFileSync(join(ROOT, 'docs/reference/openapi.json'), 'utf8')) as {
  paths: { [path: string]: { [method: string]: { operationId: string } } };
};
const operations = Object.values(paths).flatMap(path =>
  Object.values(path).map(({ operationId }) => operationId),
);

/** The operations that a verb is made of. A verb of the cloud submits the flow of its name. */
const OVER_HTTP: Readonly<Record<string, readonly string[]>> = {
  run: ['submit', 'flow', 'message', 'events'],
  ls: ['messages', 'events'],
  wait: ['message', 'events'],
  watch: ['events', 'message'],
  cancel: ['cancel', 'decideMany'],
  revert: ['revert', 'decideMany'],
  rewind: ['rewind', 'decideMany'],
  resolve: ['resolve', 'decideMany'],
  fork: ['fork', 'decideMany'],
  log: ['commits'],
  show: ['commit'],
  diff: ['diff'],
  blame: ['blame'],
  why: ['why'],
  fsck: ['fsck'],
  export: ['export'],
  'vm ls': ['vms'],
  'vm show': ['vm'],
  top: ['vmsUse'],
  'vm console': ['console', 'serialTicket'],
  'vm start': ['submit'],
  'vm stop': ['submit'],
  'vm reboot': ['submit'],
  'vm rm': ['removeVm'],
  'vm move': ['submit'],
  'host ls': ['hosts'],
  'host show': ['host', 'hosts', 'vms'],
  'host drain': ['submit'],
  'host undrain': ['submit'],
  'host token': ['joinToken'],
  'host token ls': ['joinTokens'],
  'host token revoke': ['revokeJoinToken'],
  'host revoke': ['revokeAgent'],
  'host lost': ['submit'],
  'host reconcile': ['submit', 'hosts'],
  gc: ['submit', 'hosts'],
  'network ls': ['networks'],
  'network show': ['network'],
  plan: ['plan'],
  'policy ls': ['policies'],
  rebalance: ['planRebalance', 'submit'],
  'reservation create': ['submit'],
  'reservation ls': ['reservations'],
  'reservation show': ['reservations'],
  'reservation rm': ['revert', 'reservations'],
  'flow ls': ['flows'],
  'flow show': ['flow'],
  lint: ['lint'],
  'step ls': ['steps'],
  'step show': ['steps'],
  status: ['counts', 'messages', 'readyz'],
  workers: ['workers'],
  worker: ['claim', 'extend', 'finish', 'release', 'reveal', 'hello', 'session'],
  agent: ['enrol', 'agentChallenge', 'agentSession', 'agentReport', 'agentGoodbye'],
  archive: ['archive'],
  'package publish': ['missingContents', 'putContent', 'putManifest', 'publishTargets', 'repositoryFile'],
  'package rollout': ['submit', 'rollout', 'message'],
  'rollout show': ['rollout'],
  approve: ['approve'],
  'package ls': ['packages', 'hosts', 'host', 'submit', 'message'],
  'package install': ['hosts', 'host', 'submit'],
  'package rollback': ['hosts', 'host', 'submit'],
  'package remove': ['hosts', 'host', 'submit'],
  'package verify': ['hosts', 'host', 'submit', 'message'],
  'package gc': ['hosts', 'host', 'submit', 'message'],
  'package show': ['package', 'packages', 'hosts', 'host', 'submit', 'message'],
  'repository verify': ['repositoryFile'],
  doctor: ['doctor'],
  whoami: ['whoami'],
  login: ['signInMethods', 'exchangeLogin', 'whoami'],
  logout: ['signOut'],
  console: ['consoleTicket', 'signInByTicket'],
  'context rm': ['signOut'],
};

/** What does its work on this machine, and why it is not a server's to do. */
const HERE: Readonly<Record<string, string>> = {
  'context ls': 'shows what this machine keeps of logins',
  'context use': 'changes what this machine keeps of logins',
  replay: 'simulates hosts in its own process, and needs no server',
  'step run': 'runs a file of this machine by itself, to try it out',
  linux: 'calls the functions of this machine',
  mem: 'reads the memory of processes of this machine',
  'package build': 'packs a folder of this machine',
  'repository create-key': 'makes a key that no server is to see',
  up: 'starts the server',
  down: 'ends the process of the server on its machine',
  'store copy': 'works on databases that no server uses',
  completion: 'prints a script for the shell of this machine',
  version: 'tells of the program itself',
};

/** Operations that no verb uses, and whose they are. */
const OF_OTHERS: Readonly<Record<string, string>> = {
  livez: 'for whoever restarts a process that hangs',
  metrics: 'for Prometheus',
  vmUse: 'for a chart of the last hour',
  fleetMap: 'for a picture of all hosts at once',
  signIn: 'for browsers, which must not keep a token',
  logIn: 'for browsers',
  logInEnd: 'for browsers',
};

/** Verbs and operations of one noun come together: `secret-key rotate` is `rotateSecretKey`. */
function operationsOf(path: string): readonly string[] {
  const listed = OVER_HTTP[path];
  if (listed !== undefined || !path.includes(' ')) return listed ?? [];
  const noun = path.split(' ')[0]!.replaceAll('-', '').toLowerCase();
  return operations.filter(id => id.toLowerCase().includes(noun));
}

test('every verb has its operations, or says why its work is done here', () => {
  for (const { path } of VERBS) {
    if (path in HERE) {
      assert.ok(!(path in OVER_HTTP), path);
      continue;
    }
    const used = operationsOf(path);
    assert.ok(
      used.length > 0,
      `coax ${path} has no operation: give the API one, or say in HERE why it has none`,
    );
    for (const id of used) assert.ok(operations.includes(id), `${path}: there is no operation ${id}`);
  }
});

test('what is listed exists', () => {
  const known = new Set(VERBS.map(({ path }) => path));
  for (const path of [...Object.keys(OVER_HTTP), ...Object.keys(HERE)]) assert.ok(known.has(path), path);
  for (const id of Object.keys(OF_OTHERS)) assert.ok(operations.includes(id), id);
});

test('every operation is of some verb, or says whose it is', () => {
  const used = new Set([...VERBS.flatMap(({ path }) => operationsOf(path)), ...Object.keys(OF_OTHERS)]);
  assert.deepEqual(
    operations.filter(id => !used.has(id)),
    [],
  );
});
