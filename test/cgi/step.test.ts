/** CGI scripts as steps, unchanged: a flow asks them as a browser did. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CoaxClient } from '../../src/client/client.ts';
import { CgiWorld } from './cgi-fixture.ts';

const world = new CgiWorld();
const flow = (name: string, steps: string): void => {
  world.script(
    `../flows/${name}.yaml`,
    `name: ${name}\nparameters: {user: {type: string}, groups: {type: array, default: []}}\nsteps:\n${steps}`,
    0o644,
  );
};
let client: CoaxClient;

/** Keeps users as files; as old as CGI itself. */
const USERS = String.raw`#!/usr/bin/perl
use strict;
use warnings;
my $dir = $ENV{USERS};
read STDIN, my $text, $ENV{CONTENT_LENGTH} // 0;
my %field;
for (split /&/, $text) { my ($n, $v) = map { s/\+/ /gr =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split /=/; push @{$field{$n}}, $v }
my $user = $field{user}[0];
print STDERR "$ENV{REQUEST_METHOD} $user $ENV{HTTP_IDEMPOTENCY_KEY} $ENV{HTTP_X_COAX_MODE}\n";
if ($ENV{REQUEST_METHOD} eq 'DELETE') { unlink "$dir/$user"; print "Status: 204\n\n"; exit }
if (-e "$dir/$user") { print "Status: 409 Conflict\nContent-Type: text/plain\n\nthere is a $user already\n"; exit }
open my $file, '>', "$dir/$user" or die $!;
print $file join ',', @{$field{groups} // []};
print "Status: 201 Created\nContent-Type: application/json\n\n{\"home\": \"/home/$user\"}\n";
`;

before(async () => {
  world.script('../users/.keep', '', 0o644);
  world.script('User-Add.pl', USERS);
  world.script(
    'shout.py',
    '#!/usr/bin/python3\nimport json, os, sys\nbody = json.load(sys.stdin)\nprint("Content-Type: application/vnd.x+json\\n")\nprint(json.dumps({"seen": body["user"].upper(), "path": os.environ["PATH_INFO"]}))\n',
  );
  world.shell(
    'refuse.sh',
    String.raw`printf 'Status: 422\nContent-Type: application/problem+json\n\n{"code": "NO_QUOTA", "detail": "no room is left"}'`,
  );
  world.shell(
    'busy.sh',
    `if [ -e ${world.dir}/calm ]; then printf 'Content-Type: text/plain\\n\\ncalm\\n'; else touch ${world.dir}/calm; printf 'Status: 503\\nRetry-After: 0\\nContent-Type: text/plain\\n\\nbusy\\n'; fi`,
  );
  world.shell(
    'query.sh',
    String.raw`printf 'Content-Type: text/plain\n\n'; echo "$REQUEST_METHOD $QUERY_STRING"`,
  );
  world.shell('broken.sh', 'echo "no such table" >&2; exit 1');
  const settings = `
scripts:
  User-Add.pl: {about: Adds a user, env: {USERS: ${world.dir}/users}, step: {undo: {method: DELETE}}}
  shout.py: {step: {send: json, path: /v2, undo: none}}
  refuse.sh: {step: {undo: none}}
  busy.sh: {step: {undo: none}}
  query.sh: {step: {method: GET, parameters: [user], into: said, undo: none}}
  broken.sh: {step: {undo: none}}
`;
  world.script('cgi.yaml', settings, 0o644);
  flow('good', '  - cgi user-add\n  - cgi shout\n  - cgi query\n');
  flow('bad', '  - cgi user-add\n  - cgi refuse\n');
  flow('later', '  - {do: cgi busy, retry: {attempts: 3, backoff: 10ms}}\n');
  flow('crash', '  - cgi broken\n');
  flow('one-way', '  - cgi form\n  - cgi refuse\n');
  await world.start('--flows', join(world.dir, 'flows'));
  client = new CoaxClient({ url: world.url, token: world.token });
});
after(async () => {
  client.close();
  await world.close();
});

const run = (name: string, parameters: Record<string, string | string[]>) =>
  client.submit({ flow: name, parameters }, { waitMs: 60_000 });

test('parameters go as a form, as JSON or in the query; a JSON answer becomes outputs', async () => {
  const done = await run('good', { user: 'Jörg & co', groups: ['a', 'b'] });
  assert.equal(done.status, 'done', JSON.stringify(done.error));
  assert.equal(done.parameters.home, '/home/Jörg & co');
  assert.equal(done.parameters.seen, 'JÖRG & CO');
  assert.equal(done.parameters.path, '/v2');
  assert.equal(done.parameters.said, 'GET user=J%C3%B6rg+%26+co');
  assert.equal(readFileSync(join(world.dir, 'users/Jörg & co'), 'utf8'), 'a,b');
  const { items } = await client.commits(done.msgid);
  const commit = items.find(({ step }) => step === 'cgi user-add')!;
  assert.match(commit.log ?? '', new RegExp(`^POST .* ${done.msgid}\\.0 do`));
});

test('a status of 400 or more is a failure with its code; the steps before are undone as cgi.yaml says', async () => {
  const back = await run('bad', { user: 'ann' });
  assert.equal(back.status, 'rolled_back');
  assert.deepEqual(
    [back.error?.code, back.error?.reason],
    ['NO_QUOTA', 'refuse.sh answered 422: no room is left'],
  );
  assert.equal(existsSync(join(world.dir, 'users/ann')), false);
  world.script('../users/bob', 'here', 0o644);
  const taken = await run('bad', { user: 'bob' });
  assert.deepEqual(
    [taken.error?.code, taken.error?.reason],
    ['CGI_STATUS_409', 'User-Add.pl answered 409: there is a bob already'],
  );
});

test('503 is tried again; a script that gives no answer is a failure that says so', async () => {
  assert.equal((await run('later', { user: 'x' })).status, 'done');
  const crash = await run('crash', { user: 'x' });
  assert.equal(crash.status, 'rolled_back');
  assert.equal(crash.error?.code, 'COAX_STEP_OUTPUT');
  assert.match(crash.error?.reason ?? '', /wrote nothing; .*exit status 1/);
});

test('what cgi.yaml does not say how to undo is parked for a person', async () => {
  const parked = await run('one-way', { user: 'x' });
  assert.equal(parked.status, 'parked');
  assert.equal(parked.undoError?.code, 'COAX_STEP_IRREVERSIBLE');
});

test('the scripts are listed as actions', async () => {
  const { items } = await client.steps();
  const actions = items.filter(({ module }) => module === 'cgi');
  const add = actions.find(({ action }) => action === 'user-add');
  assert.deepEqual([add?.undoable, add?.about, add?.kind], [true, 'Adds a user', 'executable']);
  assert.equal(actions.find(({ action }) => action === 'form')?.undoable, false);
});
