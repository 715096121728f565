/** Real processes are searched: each holds what it was told to hold. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { LinuxError } from '../linux-error.ts';
import { readSmaps } from '../procfs/smaps.ts';
import { memoryUse } from './memory-use.ts';
import { searchMemory } from './search-memory.ts';

/** Each document as libvirt writes one, in memory of its own; between them others of many sizes. */
const LEAK = `
  my ($count, $varies) = @ARGV;
  $| = 1;
  for my $i (1 .. $count) {
    my $id = $varies ? $i : 7;
    push @kept, "<domain type='kvm' id='$id'>\n  <name>instance-" . sprintf('%08x', $id) . "</name>\n"
      . join('', map { "  <disk type='network'>\n    <target dev='vd$_' bus='virtio'/>\n  </disk>\n" } 'a' .. 'h')
      . "</domain>\n";
    push @other, pack('w*', map { $i * 31 + $_ } 1 .. $i % 50);
  }
  print "ready\n";
  sleep 600;
`;

async function leaking(...args: (string | number)[]): Promise<ChildProcess & Disposable & { pid: number }> {
  const child = spawn('perl', ['-e', LEAK, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return Object.assign(child as ChildProcess & { pid: number }, {
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  });
}

test('the document that a program leaks is named, with how often it is held', async () => {
  using leak = await leaking(20_000);
  const { repeated, searchedBytes } = await searchMemory(leak.pid, { limit: 5 });
  const [most] = repeated;
  assert.match(most!.sample, /^<domain type='kvm' id='7'>\n {2}<name>instance-00000007<\/name>\n/);
  assert.ok(most!.count >= 20_000 && most!.count < 20_100, String(most!.count));
  assert.ok(most!.bytes >= 20_000 * 600, String(most!.bytes));
  assert.match(most!.mapping, /^(\[heap\]|anonymous)$/);
  assert.ok(searchedBytes >= most!.bytes);
  assert.equal(leak.exitCode, null, 'it runs on');
});

test('documents that differ in their ids are one, wherever they lie within a word', async () => {
  using leak = await leaking(20_000, 'varies');
  const [most] = (await searchMemory(leak.pid, { limit: 3 })).repeated;
  assert.match(most!.sample, /^<domain type='kvm' id='\d+'>/);
  assert.ok(most!.count >= 19_800 && most!.count < 20_100, String(most!.count));
});

test('a program that leaks nothing is not said to', async () => {
  using leak = await leaking(3);
  const { repeated } = await searchMemory(leak.pid, { limit: 5 });
  assert.ok(!repeated.some(({ sample, count }) => sample.includes('<domain') && count > 10));
});

test('a program that leaks shows in its heap', async () => {
  using small = await leaking(10);
  using large = await leaking(20_000);
  const heap = ({ pid }: { pid: number }): number =>
    memoryUse(pid).mappings.find(({ mapping }) => mapping === '[heap]')!.pssBytes;
  assert.ok(heap(large) > heap(small) + 10_000_000);
  const { total, command } = memoryUse(large.pid);
  assert.equal(command, 'perl');
  const resident = readSmaps(large.pid).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  assert.equal(total.rssBytes, resident);
});

test('a process that is not there, and one that may not be read, are told so', async () => {
  await assert.rejects(searchMemory(4_194_400, { limit: 1 }), isRefused('ESRCH', /no process/));
  if (process.getuid!() !== 0) return;
  // It becomes nobody after it has read the code, which may lie where nobody else may look.
  const script = `import { readSmaps } from ${JSON.stringify(new URL('../procfs/smaps.ts', import.meta.url).href)};
    process.setgroups([]); process.setgid(65534); process.setuid(65534);
    try { readSmaps(1); } catch (error) { console.log(error.code, error.hint); }`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^(EACCES|EPERM) .*root/);
});

const isRefused = (code: string, reason: RegExp) => (error: unknown) =>
  error instanceof LinuxError && error.code === code && reason.test(error.message);
