/** Real calls of this machine's libc. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants as node, tmpdir, type } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LinuxError } from '../linux-error.ts';
import { ErrnoError } from './errno.ts';
import { headerTable } from './header/header-table.ts';
import { _IO, _IOR, _IOW, _IOWR, ioctlRequest } from './ioctl.ts';
import { libc } from './libc.ts';
import { openLibrary } from './library.ts';
import { bytesAt, textAt } from './pointers.ts';
import { struct } from './structs.ts';
import { constants, functionTable, structTable } from './tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-libc-'));
after(() => rmSync(folder, { recursive: true }));

const isRefused = (code: string, reason: RegExp) => (error: unknown) =>
  error instanceof LinuxError && error.code === code && reason.test(error.message);

test('functions take and give what their prototypes say', () => {
  assert.equal(libc.strlen!('hello'), 5);
  assert.equal(libc.getpid!(), process.pid);
  assert.equal(libc.strtoul!('18446744073709551615', null, 10), 2n ** 64n - 1n);
  assert.equal(libc.cos!(0), 1, 'of libm');
  assert.equal(libc.toupper!('a'.charCodeAt(0)), 65);
  assert.equal(libc.getenv!('HOME'), process.env.HOME ?? null);
  assert.match(libc.strlen!.prototype, /^size_t strlen\(const char \*s\)$/);
});

test('functions with more arguments than their prototype names take each by what it is', () => {
  const room = Buffer.alloc(64);
  const written = libc.snprintf!(room, 64, '%d %s %.2f %lld', 42, 'x', 1.5, 2n ** 40n);
  assert.equal(room.toString('latin1', 0, written as number), `42 x 1.50 ${2 ** 40}`);
});

test('a call that fails throws the name of its errno', () => {
  assert.throws(
    () => libc.open!('/nowhere/at/all', constants().O_RDONLY!),
    (error: unknown) =>
      error instanceof ErrnoError && error.code === 'ENOENT' && error.errno === 2 && error.call === 'open',
  );
  assert.throws(() => libc.fopen!('/nowhere/at/all', 'r'), isRefused('ENOENT', /^fopen: No such file/));
  assert.throws(() => libc.close!(-1), isRefused('EBADF', /^close/));
  // -1 without an errno is a priority.
  assert.equal(typeof libc.getpriority!(constants().PRIO_PROCESS!, 0), 'number');
});

test('arguments that a call would not survive are refused before it', () => {
  assert.throws(() => libc.strlen!(1), isRefused('EINVAL', /argument 1 takes a text.*not number 1/));
  assert.throws(() => libc.strlen!(1n), isRefused('EFAULT', /no memory at 0x1/));
  assert.throws(() => libc.strlen!(2n ** 63n), isRefused('EFAULT', /no memory/));
  assert.throws(() => libc.strlen!(), isRefused('EINVAL', /takes 1 arguments, not 0/));
  assert.throws(() => libc.strlen!('a', 'b'), isRefused('EINVAL', /takes 1 arguments, not 2/));
  assert.throws(() => libc.strlen!('a\0b'), isRefused('EINVAL', /NUL/));
  assert.throws(() => libc.strlen!(Buffer.from('abc')), isRefused('EINVAL', /no NUL at its end/));
  assert.throws(() => libc.strcpy!('room', 'x'), isRefused('EINVAL', /written into/));
  assert.throws(() => libc.toupper!(2 ** 40), isRefused('EINVAL', /takes -2147483648 to 4294967295/));
  assert.throws(() => libc.sleep!(0.5), isRefused('EINVAL', /a whole number/));
  assert.throws(() => libc.strlne, isRefused('ENOENT', /no function strlne/));
});

test('memory of C is read through the kernel', () => {
  const address = libc.strdup!('hello') as string;
  assert.equal(address, 'hello');
  const room = libc.malloc!(16) as bigint;
  libc.memset!(room, 0x41, 15);
  libc.memset!(room + 15n, 0, 1);
  assert.equal(textAt(room), 'A'.repeat(15));
  assert.deepEqual(bytesAt(room, 3), Buffer.from('AAA'));
  assert.equal(libc.strlen!(room), 15);
  libc.free!(room);
  assert.throws(() => bytesAt(8n, 1), isRefused('EFAULT', /0x8/));
});

test('structs are filled by calls and read by the names of their fields', () => {
  const file = join(folder, 'struct');
  libc.close!(
    libc.open!(file, Number(constants().O_CREAT!) | Number(constants().O_WRONLY!), 0o640) as number,
  );
  const stat = struct('stat');
  libc.stat!(file, stat);
  const { ino, mode, mtimeMs } = statSync(file);
  assert.equal(stat.st_ino, ino);
  assert.equal(stat.st_mode, mode);
  assert.equal((stat.st_mtim as { tv_sec: number }).tv_sec, Math.floor(mtimeMs / 1000));
  const name = struct('utsname');
  libc.uname!(name);
  assert.equal(name.sysname, type());
  const time = Object.assign(struct('timespec'), { tv_sec: 5, tv_nsec: 7 });
  assert.deepEqual([...time], [5, ...Array(7).fill(0), 7, ...Array(7).fill(0)]);
  assert.throws(() => struct('statt'), isRefused('ENOENT', /no struct statt/));
});

test('an ioctl reads the MTU of lo by its constant and struct', () => {
  const { AF_INET, SOCK_DGRAM, SIOCGIFMTU } = constants();
  const socket = libc.socket!(AF_INET!, SOCK_DGRAM!, 0) as number;
  const request = Object.assign(struct('ifreq'), { ifrn_name: 'lo' });
  libc.ioctl!(socket, SIOCGIFMTU!, request);
  libc.close!(socket);
  assert.equal(request.ifru_mtu, Number(readFileSync('/sys/class/net/lo/mtu', 'utf8')));
});

test('numbers of ioctls are made as the macros make them', () => {
  const { TUNSETIFF, TUNGETIFF, BLKGETSIZE64, FS_IOC_GETFLAGS, FITRIM, BLKROSET } = constants();
  assert.equal(_IOW('T', 202, 4), TUNSETIFF);
  assert.equal(_IOR('T', 210, 4), TUNGETIFF);
  assert.equal(_IOR(0x12, 114, 8), BLKGETSIZE64);
  assert.equal(_IOR('f', 1, 8), FS_IOC_GETFLAGS);
  assert.equal(_IOWR('X', 121, 24), FITRIM);
  assert.equal(_IO(0x12, 93), BLKROSET);
  assert.deepEqual(ioctlRequest(Number(FITRIM)), {
    direction: 'read and write',
    type: 'X',
    number: 121,
    bytes: 24,
  });
  assert.throws(() => _IOR('T', 256, 4), isRefused('EINVAL', /number 256/));
  assert.throws(() => _IOR('TT', 1, 4), isRefused('EINVAL', /type "TT"/));
});

test('the tables say what Node says, and what the headers hold', () => {
  const known = constants();
  for (const [name, value] of Object.entries({ ...node.errno, ...node.signals, ...node.priority }))
    if (name in known) assert.equal(Number(known[name]), value, name);
  assert.equal(known.O_CLOEXEC, 0o2000000);
  assert.equal(known.UINT64_MAX, 2n ** 64n - 1n);
  assert.ok(functionTable().size > 1500 && structTable().size > 250 && Object.keys(known).length > 8000);
  for (const name of functionTable().keys()) assert.doesNotThrow(() => libc[name], name);
});

test('another shared object is called with the types of a header', () => {
  const header = `#include <stdint.h>
    /* what it takes */ typedef uint32_t length_t;
    size_t strnlen(const char *text, size_t most); // not more
    double hypot(double, double);
    int snprintf(char *to, length_t most, const char *form, ...);
    struct big by_value(int x);
  `;
  const table = headerTable(header);
  assert.deepEqual([...table.keys()], ['strnlen', 'hypot', 'snprintf']);
  const library = openLibrary('libm.so.6', table);
  assert.equal(library.hypot!(3, 4), 5);
  assert.throws(() => openLibrary('libnothing.so.9', table), isRefused('ENOENT', /libnothing/));
  assert.throws(
    () => openLibrary('libm.so.6', headerTable('int nosuch(void);')).nosuch,
    isRefused('ENOENT', /nosuch/),
  );
  assert.throws(() => headerTable('nothing here'), isRefused('EINVAL', /no prototype/));
});

/** How often this process has called write(2) and its like. Source: proc(5), /proc/PID/io. */
const systemWrites = (): number => Number(/^syscw: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))![1]);

test("stdio's buffers: what a file holds before and after", t => {
  const { _IONBF, _IOFBF } = constants();
  const file = join(folder, 'stdio');
  const holds = (): string => readFileSync(file, 'utf8');
  const stream = libc.fopen!(file, 'w') as bigint;
  libc.fprintf!(stream, '%s %d\n', 'line', 1);
  assert.equal(holds(), '', 'buffered until it is flushed');
  libc.fflush!(stream);
  assert.equal(holds(), 'line 1\n');
  libc.fprintf!(stream, 'line %d\n', 2);
  assert.equal(holds(), 'line 1\n');
  libc.fclose!(stream);
  assert.equal(holds(), 'line 1\nline 2\n');

  const unbuffered = libc.fopen!(file, 'w') as bigint;
  libc.setvbuf!(unbuffered, null, _IONBF!, 0);
  libc.fprintf!(unbuffered, 'at once\n');
  assert.equal(holds(), 'at once\n');
  libc.fclose!(unbuffered);

  for (const [name, mode] of Object.entries({ _IOFBF: _IOFBF!, _IONBF: _IONBF! })) {
    const timed = libc.fopen!(file, 'w') as bigint;
    libc.setvbuf!(timed, null, mode, 65_536);
    const before = systemWrites();
    const began = performance.now();
    for (let line = 0; line < 10_000; line += 1) libc.fprintf!(timed, 'line %d\n', line);
    const tookMs = performance.now() - began;
    const writes = systemWrites() - before;
    t.diagnostic(`10,000 writes, ${name}: ${tookMs.toFixed(1)} ms, ${writes} calls of write(2)`);
    // Others of this process may write, too.
    if (mode === _IONBF) assert.ok(writes >= 10_000, String(writes));
    else assert.ok(writes < 1000, String(writes));
    libc.fclose!(timed);
    assert.equal(holds().split('\n').length, 10_001);
  }
});
