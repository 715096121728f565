/** `coax linux`, as people and scripts use it. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CliWorld } from './cli-fixture.ts';

const world = new CliWorld();
after(() => world.close());

const linux = (code: string) => world.coax('linux', '-e', code);

test('a value is printed, and it ends', async () => {
  assert.deepEqual(await linux("libc.strlen('hello')"), { status: 0, stdout: '5\n', stderr: '' });
  const two = await world.coax(
    'linux',
    '-e',
    "const u = struct('utsname'); libc.uname(u);",
    '-e',
    'u.sysname',
  );
  assert.equal(two.stdout, "0\n'Linux'\n");
});

test('what C prints comes with it', async () => {
  assert.equal((await linux("libc.printf('%s %d\\n', 'from C', 7)")).stdout, 'from C 7\n9\n');
});

test('a call that fails, and one that would not be survived, are told in a line', async () => {
  const failed = await linux("libc.open('/nowhere/at/all', O_RDONLY)");
  assert.equal(failed.status, 1);
  assert.equal(failed.stderr, 'open: No such file or directory (ENOENT)\n');
  const wrong = await linux('libc.strlen(1)');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /^strlen: argument 1 takes a text such as 'hello', not number 1\n$/);
  const typo = await linux('nosuch()');
  assert.equal(typo.stderr, 'ReferenceError: nosuch is not defined\n');
  assert.match((await linux('function (')).stderr, /SyntaxError/);
});

test('a crash ends the process that evaluates, not the command', async () => {
  const crashed = await linux('libc.raise(SIGSEGV)');
  assert.equal(crashed.status, 1);
  assert.match(crashed.stderr, /the process that evaluated it ended: SIGSEGV/);
  const lines = ['const kept = 1', 'libc.abort()', '40 + 2', 'kept', ''].join('\n');
  const typed = await world.run(['linux'], lines);
  assert.equal(typed.status, 0, typed.stderr);
  assert.match(
    typed.stdout,
    /ended the process which evaluates \(SIGABRT\).*\n42\nReferenceError: kept is not defined\n/,
  );
});

test('lines that go on, commands, and a library of ones own', async () => {
  const header = world.file(
    'own.h',
    '/* of our own */\nint toupper(int letter);\nconst char *gnu_get_libc_version(void);\n',
  );
  const lines = [
    'function twice(x) {',
    '  return 2 * x;',
    '}',
    'twice(21)',
    '.doc timespec',
    '.doc O_CLOEXEC',
    '.doc strlen',
    `.load libc.so.6 ${header} own`,
    'own.toupper(97)',
    '.time own.toupper(97)',
    '.doc nosuch',
    '.nosuch',
    'unfinished(',
  ];
  const { status, stdout, stderr } = await world.run(['linux'], lines.join('\n'));
  assert.equal(status, 0, stderr);
  const parts = [
    /^42$/m,
    /^timespec: 16 bytes/m,
    /^O_CLOEXEC = 524288 \(0x80000\)$/m,
    /^size_t strlen\(const char \*s\)$/m,
    /^own: toupper, gnu_get_libc_version$/m,
    /^65$/m,
    /a call \([\d,]+ calls\)$/m,
    /there is no function, struct or constant nosuch/,
    /^\.doc NAME, /m,
  ];
  let rest = stdout;
  for (const part of parts) {
    const at = rest.search(part);
    assert.ok(at >= 0, `${part} in ${stdout}`);
    rest = rest.slice(at + 1);
  }
  assert.match(stderr, /not complete/);
});
