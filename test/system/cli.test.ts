import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { MessageView } from '../../src/api/message.ts';
import { loadVerbs, makeProgram } from '../../src/cli/program.ts';
import { CliWorld, PROBE, PROBE_FLOW } from './cli-fixture.ts';

const world = new CliWorld();
before(async () => {
  world.file('modules/probe/work', PROBE, 0o755);
  world.file('flows/probe.yaml', PROBE_FLOW);
  const dirs = ['--modules', join(world.dir, 'modules'), '--flows', join(world.dir, 'flows')];
  const up = await world.coax('up', '--detach', '--simulate', '--listen', '127.0.0.1:0', ...dirs);
  assert.equal(up.status, 0, up.stderr);
});
after(() => world.close());

const ok = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await world.coax(...args);
  assert.equal(status, 0, `coax ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout.trimEnd();
};
const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await ok(...args, '-o', 'json')) as T;

test('a call that is not whole points at the help of its own verb', async () => {
  for (const [words, hint] of [
    [['role', 'grant'], 'coax role grant --help'],
    [['repository', 'init'], 'coax repository init --help'],
    [['run'], 'coax run --help'],
    [['vm', 'shw'], 'coax vm --help'],
    [['frob'], 'coax --help'],
    [['help', 'frob'], 'coax --help'],
    [['frob', '--help'], 'coax --help'],
    [['vm', 'shw', '-h'], 'coax vm --help'],
    [['vm', 'lst'], 'ls'],
  ] as const) {
    const { status, stderr } = await world.coax(...words);
    assert.equal(status, 2, stderr);
    assert.ok(stderr.includes(`\`${hint}\``), stderr);
  }
});

test('the help of every verb starts with examples', async () => {
  const starts = /^Examples:\n(?: {2}\S.*\n(?: {9,}.*\n)*){2,}\nUsage:\n {2}coax /;
  const loaded = await loadVerbs('all');
  const program = makeProgram(loaded, () => {});
  for (const path of loaded.keys()) {
    const [first, second] = path.split(' ');
    const command = program.commands.find(known => known.name() === first)!;
    const verb = second === undefined ? command : command.commands.find(known => known.name() === second)!;
    assert.match(verb.helpInformation(), starts, path);
  }
  assert.match(await ok('run', '--help'), starts);
  assert.match(await ok('vm', 'console', '--help'), starts);
  assert.equal(await ok('help', 'run'), await ok('run', '--help'));
  assert.equal(await ok('help', 'vm', 'list'), await ok('vm', 'ls', '--help'));
  assert.equal(await ok('help'), await ok('--help'));
  assert.match(await ok('help', 'environment'), /^Environment:\n {2}COAX_DATA {2,}/);
  assert.match(await ok('help', 'exit-statuses'), /^ {2}11 {3}Done, but some branches/m);
  assert.match(await ok(), /^Examples:/);
  assert.match(await ok('vm'), /^Examples:/);
});

test('a wait leaves with 0 when done, 1 when rolled back, 9 when parked, 8 when the time is over', async () => {
  const done = await world.coax('run', 'probe', '--wait');
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^done: probe \d+ .*out0=0 out1=1; coax log \d+\n$/);
  const back = await world.coax('run', 'probe', 'fail=1', '--wait');
  assert.equal(back.status, 1);
  assert.match(back.stdout, /^rolled back: probe \d+ .*no space left; 2 steps undone/);
  const parked = await world.coax('run', 'probe', 'fail=1', 'stick=0', '--wait');
  assert.equal(parked.status, 9);
  assert.match(parked.stdout, /^parked: .*switch is silent.*coax resolve \d+ retry\|skip\|edit\|undone/);
  assert.match(await ok('status'), /1 message needs a person/);
  const resolved = await world.coax('resolve', '@', 'undone', '--reason', 'by hand', '--wait');
  assert.equal(resolved.status, 0, resolved.stderr);
  const gate = join(world.dir, 'gate');
  const late = await world.coax('run', 'probe', `until=${gate}`, '--wait', '--timeout', '300ms');
  assert.equal(late.status, 8);
  assert.match(late.stdout, /it goes on; coax wait \d+/);
  writeFileSync(gate, '');
  await ok('wait', '@');
});

test('standard output is data only: -o json is the object, a list is items', async () => {
  const message = await json<MessageView>('run', 'probe', 'label=007', '--wait');
  assert.equal(message.status, 'done');
  assert.equal(message.parameters.label, '007');
  assert.deepEqual(await json<MessageView>('wait', String(message.msgid)), message);
  const list = await json<{ items: MessageView[] }>('ls', '-n', '2');
  assert.deepEqual(
    list.items.map(item => item.msgid),
    [message.msgid, message.msgid - 1],
  );
  assert.equal(await ok('ls', '-n', '1', '-o', 'name'), String(message.msgid));
  assert.match(await ok('ls', '-n', '1', '-o', 'yaml'), /^items:\n {2}- msgid: /);
  assert.equal((await ok('ls', '-n', '2', '-o', 'jsonl')).split('\n').length, 2);
  for (const verb of [
    'vm ls',
    'host ls',
    'network ls',
    'flow ls',
    'step ls',
    'workers',
    'doctor',
    `blame @`,
    'log @',
  ]) {
    assert.ok(Array.isArray((await json<{ items: unknown[] }>(...verb.split(' '))).items), verb);
  }
  assert.match(await ok('run', 'probe'), /^\d+$/);
});

test('errors say what, where and what to do; with -o json they are a problem object on standard error', async () => {
  const cases: [string, number, RegExp][] = [
    ['run prob', 3, /no flow.*\n(.*\n)*.*did you mean|did you mean "probe"/],
    ['run probe lable=x', 2, /lable[\s\S]*label/],
    ['run probe fail', 2, /fail is not of the form name=value/],
    ['lss', 2, /did you mean `ls`/],
    ['vm lss', 2, /did you mean `ls`/],
    ['ls --stat x', 2, /did you mean/],
    ['ls --status x', 2, /queued, running/],
    ['log 999999', 3, /COAX_MESSAGE_NOT_FOUND/],
    ['show 0000dead', 3, /COAX_COMMIT_NOT_FOUND/],
    ['vm show nobody', 3, /COAX_NOT_FOUND/],
    ['cancel 1', 5, /COAX_MESSAGE_STATE/],
    ['resolve 1 retry', 2, /needs a reason/],
    ['status --url http://127.0.0.1:1', 6, /COAX_SERVER_UNREACHABLE/],
  ];
  for (const [line, status, reason] of cases) {
    const ran = await world.coax(...line.split(' '));
    assert.equal(ran.status, status, `${line}: ${ran.stderr}`);
    assert.match(ran.stderr, reason, line);
    assert.match(ran.stderr, /^coax: .*\(COAX_\w+\)\n( {2}at {2}.*\n)*/, line);
    assert.match(ran.stderr, /\n {2}do {2}\S/, line);
    assert.equal(ran.stdout, '', line);
  }
  const problem = JSON.parse((await world.coax('log', '999999', '-o', 'json')).stderr) as Record<
    string,
    unknown
  >;
  assert.equal(problem.code, 'COAX_MESSAGE_NOT_FOUND');
  assert.equal(problem.status, 404);
});

test('log, show, blame, diff, why and fork speak of the same commits', async () => {
  const made = await json<MessageView>('run', 'create_vm', 'cpu=1', 'mem=256', 'name=web-1', '--wait');
  const id = String(made.msgid);
  const log = await json<{ items: { id: string; seq: number }[] }>('log', id);
  assert.deepEqual(
    log.items.map(item => item.seq),
    [4, 3, 2, 1, 0],
  );
  const second = await json<{ commit: { id: string } }>('show', `${id}~3`);
  assert.equal(second.commit.id, log.items[3]!.id);
  assert.match(await ok('log', id, '--oneline'), /^[0-9a-f]{10,} \(done\) resource update_info ok/);
  assert.match(await ok('show', log.items[3]!.id.slice(0, 12)), /resource select_host[\s\S]*\+host=/);
  assert.match(await ok('blame', id, 'ip'), /network alloc_ip.*ip=10\./);
  assert.match(await ok('why', id), /none of the \d+ filters removed any of 4 hosts/);
  assert.match(await ok('ls', '-o', 'wide'), /^MSGID .* PROJECT .*\n[\s\S]* default /);
  assert.match(await ok('why', id, '-o', 'wide'), /FILTER +BEFORE +REMOVED +AFTER[^\n]*\nup +4 +0 +4/);
  assert.match(await ok('diff', `${id}~1`, id), /^---[\s\S]*\+\+\+/);
  assert.match(await ok('vm', 'ls'), /web-1.*SIMULATED/);
  assert.match(await ok('host', 'ls'), /SIMULATED/);
  assert.equal((await world.coax('run', 'create_vm', 'cpu=200', 'mem=256', '--wait')).status, 1);
  assert.match(await ok('why', '@'), /ask for at most/);
  const gone = await world.coax('vm', 'rm', 'web-1', '--wait');
  assert.match(gone.stdout, /^rolled back: create_vm/);
  assert.match(gone.stderr, /undo resource select_host/);
  assert.doesNotMatch(
    gone.stderr,
    /accepted|Z {2}\d+ {2}resource select_host/,
    'what came before the decision',
  );
  assert.match(await ok('fsck'), /^ok: everything verifies/);
});

test('run --from submits each line; a bad line is named and nothing of its batch is accepted', async () => {
  const good = world.file('good.jsonl', '{"label":"a"}\n\n{"fail":0}\n{"label":"c"}\n');
  const ran = await world.coax('run', 'probe', '--from', good, '--wait', '-o', 'json', '--key', 'bulk');
  assert.equal(ran.status, 1, ran.stderr);
  const { seconds, ...counts } = JSON.parse(ran.stdout) as Record<string, number>;
  assert.deepEqual(counts, { submitted: 3, done: 2, rolledBack: 1, parked: 0 });
  assert.ok(seconds !== undefined && seconds >= 0);
  const newest = await ok('ls', '-n', '1', '-o', 'name');
  assert.equal((await world.coax('run', 'probe', '--from', good, '--key', 'bulk')).status, 0);
  const bad = world.file('bad.jsonl', '{"label":"a"}\n{"label":7}\n');
  const refused = await world.coax('run', 'probe', '--from', bad);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /bad\.jsonl:2 .*label/);
  const broken = await world.run(['run', 'probe', '--from', '-'], '{"label":"a"}\n{"label"\n');
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /-:2/);
  assert.equal(await ok('ls', '-n', '1', '-o', 'name'), newest);
});

test('completion answers flows, parameters, msgids and choices, and evaluates nothing', async () => {
  // A loaded machine must not decide what is completed.
  const patient = { COAX_COMPLETION_MS: '60000' };
  const words = async (...line: string[]) => {
    const { stdout } = await world.run(['complete', '--', ...line], '', patient);
    return stdout
      .trimEnd()
      .split('\n')
      .map(text => text.split('\t')[0]);
  };
  assert.deepEqual(await words('ru'), ['run']);
  assert.ok((await words('run', '')).includes('probe'));
  assert.deepEqual(await words('run', 'probe', 'fail=1', 'st'), ['stick=']);
  assert.ok((await words('log', '')).includes('@'));
  assert.deepEqual(await words('ls', '--status=pa'), ['--status=parked']);
  assert.deepEqual(await words('-o', 'j'), ['json', 'jsonl']);
  const trap = join(world.dir, 'trap');
  const script = `source <(coax completion bash); compopt() { :; }
    COMP_LINE='coax run probe $(touch ${trap}) fa'; COMP_POINT=\${#COMP_LINE}; _coax coax; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shell = world.file(
    'bin/coax',
    `#!/bin/sh\nexec ${process.execPath} --disable-warning=ExperimentalWarning ${join(import.meta.dirname, '../../src/cli/main.ts')} "$@"\n`,
    0o755,
  );
  const { exec } = await import('../../src/linux/process/exec.ts');
  const end = await exec('bash', ['--norc', '-c', script], {
    env: {
      PATH: `${join(shell, '..')}:/usr/bin:/bin`,
      HOME: world.dir,
      COAX_DATA: world.dataDir,
      ...patient,
    },
  });
  assert.equal(end.stdout, 'fail=\n', end.stderr);
  assert.ok(!existsSync(trap));
});

test('a second server is refused, a stale server.json is not believed', async () => {
  const second = await world.coax('up', '--detach', '--simulate', '--listen', '127.0.0.1:0');
  assert.equal(second.status, 5);
  assert.match(second.stderr, /runs here already/);
  const other = new CliWorld();
  other.file('data/server.json', JSON.stringify({ pid: 2 ** 22 + 1, url: 'http://127.0.0.1:1' }));
  const status = await other.coax('status');
  assert.equal(status.status, 6);
  assert.match(status.stderr, /is gone/);
  await other.close();
  assert.ok(!existsSync(other.dir));
});

test('a server that cannot start shows the end of its log', async () => {
  const other = new CliWorld();
  const up = await other.coax('up', '--detach', '--simulate', '--listen', 'nowhere:x');
  assert.notEqual(up.status, 0);
  assert.match(up.stderr, /the server ended at once[\s\S]*at {2}log: /);
  // A folder may come later, or its name was mistyped.
  const absent = ['--flows', '/no/flows', '--modules', '/no/modules'];
  const started = await other.coax('up', '--detach', '--simulate', '--listen', '127.0.0.1:0', ...absent);
  assert.equal(started.status, 0, started.stderr);
  for (const [, dir] of [absent.slice(0, 2), absent.slice(2)])
    assert.match(started.stdout, new RegExp(`^note +there is no folder ${dir} yet$`, 'm'));
  await other.close();
});
