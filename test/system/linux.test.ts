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

test('files of /proc are told with units, and a process that is not there is', async () => {
  const told = await linux(
    'const { pid, threads } = proc.stat(libc.getpid()); [pid === libc.getpid(), threads > 1]',
  );
  assert.equal(told.stdout, '[ true, true ]\n');
  assert.match((await linux('proc.memory(libc.getpid())')).stdout, /pssBytes: \d{7,}/);
  assert.match((await linux('proc.io(4194400)')).stderr, /there is no process 4194400/);
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

test('the walk through stdio: what a file holds before and after fflush, and what 10,000 writes take', async () => {
  const file = world.file('walk', '');
  const lines = [
    `const s = struct('stat'); const size = () => (libc.stat('${file}', s), s.st_size)`,
    `let f = libc.fopen('${file}', 'w')`,
    'libc.setvbuf(f, null, _IOFBF, 4096)',
    "libc.fprintf(f, 'line %d\\n', 1)",
    "size() + ' before'",
    'libc.fflush(f)',
    "size() + ' after'",
    "for (let i = 0; i < 1000; i++) libc.fputs('123456789\\n', f)",
    "size() + ' in whole buffers'",
    `libc.fclose(f); f = libc.fopen('${file}', 'w'); libc.setvbuf(f, null, _IONBF, 0)`,
    "libc.fprintf(f, 'at once\\n')",
    "size() + ' unbuffered'",
    "const writes = () => { const t = performance.now(); for (let i = 0; i < 10000; i++) libc.fputs('x\\n', f); return '10,000 writes ' + (performance.now() - t).toFixed(1) + ' ms'; }",
    'writes()',
    `libc.fclose(f); f = libc.fopen('${file}', 'w'); libc.setvbuf(f, null, _IOFBF, 65536); writes()`,
    'libc.fclose(f)',
  ];
  const { status, stdout, stderr } = await world.run(['linux'], lines.join('\n'));
  assert.equal(status, 0, stderr);
  for (const part of ['0 before', '7 after', '8 unbuffered'])
    assert.match(stdout, new RegExp(`^'${part}'$`, 'm'));
  // A buffer of 4,096 bytes is written when it is full.
  const [, inBuffers] = /^'(\d+) in whole buffers'$/m.exec(stdout)!;
  assert.deepEqual([Number(inBuffers) > 7, Number(inBuffers) < 10_007], [true, true], inBuffers);
  assert.equal(stdout.match(/^'10,000 writes [\d.]+ ms'$/gm)?.length, 2);
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
    /^These types are taken on trust/m,
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

test('a library comes with a table as well as with a header; a wrong table is refused, a wrong type ends what evaluates', async () => {
  const table = world.file(
    'own.json',
    JSON.stringify({ toupper: ['int toupper(int letter)', 'i32', 'i32'] }),
  );
  const wrong = world.file('wrong.json', JSON.stringify({ toupper: ['int toupper(int)', 'int', 'i32'] }));
  // strlen takes an address: a number in its place is one where there is no memory.
  const lying = world.file('lying.h', 'unsigned long strlen(unsigned long text);');
  const lines = [
    `.load libc.so.6 ${table} own`,
    'own.toupper(98)',
    `.load libc.so.6 ${wrong} other`,
    `.load libc.so.6 ${lying} lying`,
    'lying.strlen(1)',
    '40 + 2',
  ];
  const { status, stdout, stderr } = await world.run(['linux'], lines.join('\n'));
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^66$/m);
  assert.match(stdout, /toupper: there is no kind int/);
  assert.match(stdout, /on trust[^\n]*\n.*ended the process which evaluates \(SIGSEGV\)[^\n]*\n42\n$/);
});

test('lists and changes of the network, and families of generic netlink', async () => {
  const lo = await linux("net.links().then(all => all.find(link => link.name === 'lo').name)");
  assert.equal(lo.stdout, "'lo'\n");
  assert.equal((await linux("net.family('nlctrl')")).stdout, '16\n');
  assert.match((await linux("net.family('nosuch')")).stderr, /no generic netlink family nosuch/);
  assert.match((await linux('net.changes(0.1).then(Array.isArray)')).stdout, /^true$/m);
});
