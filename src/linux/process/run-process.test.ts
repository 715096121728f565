import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gone, lives } from '../../testing/process-lives.ts';
import type { ProcessEnd, ProcessHooks, ProcessSpec } from './process-spec.ts';
import { runHere } from './run-here.ts';
import { closeSpawners, runProcess } from './run-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-process-'));
after(async () => {
  await closeSpawners();
  rmSync(folder, { recursive: true });
});

const LIMITS = {
  cwd: '/',
  input: '',
  stdoutMaxBytes: 1 << 20,
  stderrTailBytes: 4096,
  timeoutMs: 60_000,
  graceMs: 500,
};

function shell(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return { program: '/bin/sh', args: ['-c', script], env: { PATH: '/usr/bin:/bin' }, ...LIMITS, ...more };
}

function program(name: string, content: string, mode = 0o755): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const textOf = (end: ProcessEnd): string => Buffer.from(end.stdout).toString('utf8');

/** A group of processes that may use so much memory, swap included: of cgroup v2, or of v1 where that has the memory. */
function memoryGroup(bytes: number): string | null {
  for (const [root, limits] of [
    ['/sys/fs/cgroup', ['memory.max', 'memory.swap.max']],
    ['/sys/fs/cgroup/memory', ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes']],
  ] as const) {
    const group = `${root}/coax-test-${process.pid}`;
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    if (existsSync(`${group}/${limits[0]}`)) {
      writeFileSync(`${group}/${limits[0]}`, String(bytes));
      if (existsSync(`${group}/${limits[1]}`))
        writeFileSync(`${group}/${limits[1]}`, String(root.endsWith('memory') ? bytes : 0));
      return group;
    }
    rmdirSync(group);
  }
  return null;
}

type Run = (spec: ProcessSpec, hooks?: ProcessHooks) => Promise<ProcessEnd>;
const ways: [string, Run][] = [
  ['here', runHere],
  ['through the spawner', runProcess],
];

for (const [way, run] of ways) {
  describe(`a process run ${way}`, { concurrency: 4 }, () => {
    test('gives its exit status, its output and its log', async () => {
      const lines: string[] = [];
      const spec = shell('cat; echo one >&2; printf two >&2; exit 7', { input: 'in' });
      const end = await run(spec, { onStderrLine: line => lines.push(line) });
      assert.equal(end.cause, 'exit');
      assert.equal(end.code, 7);
      assert.equal(textOf(end), 'in');
      assert.equal(end.stderr, 'one\ntwo');
      assert.deepEqual(lines, ['one', 'two']);
      assert.equal(end.transient, false);
    });

    test('hands its output on as it comes, to its last byte, however slowly it is taken', async () => {
      let bytes = 0;
      let first: string | null = null;
      const onStdout = async (piece: Uint8Array): Promise<void> => {
        first ??= Buffer.from(piece.subarray(0, 6)).toString();
        await new Promise(resolve => setTimeout(resolve, bytes < 300_000 ? 20 : 0));
        bytes += piece.length;
      };
      const script = 'echo begin; head -c 3000000 /dev/zero; echo end >&2';
      const end = await run(shell(script, { stdoutMaxBytes: Number.MAX_SAFE_INTEGER }), { onStdout });
      for (let looks = 0; bytes < 3_000_006 && looks < 18_000; looks++)
        await new Promise(resolve => setTimeout(resolve, 10));
      assert.deepEqual([end.cause, first, bytes, end.stdout.length], ['exit', 'begin\n', 3_000_006, 0]);
    });

    test('is slowed by who takes its output, and ended at its timeout when nobody does', async () => {
      let bytes = 0;
      const onStdout = (piece: Uint8Array): Promise<void> => {
        bytes += piece.length;
        return new Promise(() => {});
      };
      const more = { stdoutMaxBytes: Number.MAX_SAFE_INTEGER, timeoutMs: 1500 };
      const end = await run(shell('head -c 50000000 /dev/zero', more), { onStdout });
      assert.equal(end.cause, 'timeout');
      assert.equal(bytes < 2_000_000, true, String(bytes));
      // What is over, and left its output in the pipe, is given up as well.
      const over = await run(shell('head -c 40000 /dev/zero; head -c 40000 /dev/zero', more), { onStdout });
      assert.equal(['timeout', 'exit'].includes(over.cause), true);
    });

    test('reads a file as its standard input', async () => {
      const input = { file: program('input', 'x'.repeat(200_000), 0o600) };
      assert.equal(textOf(await run(shell('wc -c', { input }))).trim(), '200000');
      const none = await run(shell('wc -c', { input: { file: join(folder, 'no-such-input') } }));
      assert.equal(none.cause, 'start_failed');
    });

    test('sees exactly the environment it was given', async () => {
      const env = { A: '1', B: 'x y=z' };
      const end = await run({ ...shell(''), program: '/usr/bin/env', args: [], env });
      assert.equal(textOf(end), 'A=1\nB=x y=z\n');
    });

    test('leads a session and a group of its own', async () => {
      const end = await run(shell('read -r stat < /proc/$$/stat; echo $$ $stat'));
      const [pid, , , , , group, session] = textOf(end).trim().split(' ');
      assert.deepEqual([group, session], [pid, pid]);
    });

    test('is ended when it writes 100 MiB, and never more than the limit is kept', async () => {
      const end = await run(shell('head -c 104857600 /dev/zero', { stdoutMaxBytes: 65_536 }));
      assert.equal(end.cause, 'output_too_large');
      assert.equal(end.stdout.length, 65_536);
      assert.match(end.reason, /more than 65536 bytes/);
    });

    test('may write exactly the limit', async () => {
      const end = await run(shell('head -c 65536 /dev/zero', { stdoutMaxBytes: 65_536 }));
      assert.equal(end.cause, 'exit');
      assert.equal(end.stdout.length, 65_536);
    });

    test('may log 100 MiB, of which the tail is kept', async () => {
      const lines: string[] = [];
      const spec = shell('yes logline | head -c 104857600 >&2; echo last >&2', { stderrTailBytes: 100 });
      const end = await run(spec, { onStderrLine: line => lines.push(line) });
      assert.equal(end.code, 0);
      assert.match(end.stderr, /^…\n(logline\n)+last\n$/);
      assert.equal(end.stderr.length <= 102, true);
      assert.equal(lines.length, 1000);
    });

    test('may write 64 KiB + 1 byte before it reads a large input', async () => {
      const input = 'x'.repeat(1_000_000);
      const end = await run(shell('head -c 65537 /dev/zero; wc -c', { input }));
      assert.equal(end.code, 0);
      assert.equal(Buffer.from(end.stdout).subarray(65_537).toString().trim(), '1000000');
    });

    test('need not read a large input', async () => {
      const end = await run(shell('exit 0', { input: 'x'.repeat(4_000_000) }));
      assert.equal(end.cause, 'exit');
      assert.equal(end.code, 0);
    });

    test('is ended at its timeout by SIGTERM', async () => {
      const end = await run(shell('sleep 600', { timeoutMs: 100, graceMs: 60_000 }));
      assert.equal(end.cause, 'timeout');
      assert.equal(end.signal, 'SIGTERM');
      assert.equal(end.transient, true);
    });

    test('is killed with its whole group when it ignores SIGTERM', async () => {
      const script = 'trap "" TERM; (while :; do sleep 600; done) & echo $$ $!; while :; do sleep 600; done';
      let end: ProcessEnd;
      // On a busy machine it takes a while until it ignores anything.
      for (let timeoutMs = 300; ; timeoutMs *= 4) {
        end = await run(shell(script, { timeoutMs, graceMs: 100 }));
        assert.equal(end.cause, 'timeout');
        if (textOf(end).includes(' ')) break;
      }
      assert.equal(end.signal, 'SIGKILL');
      assert.match(end.reason, /ignored SIGTERM for 100 ms/);
      const pids = textOf(end).trim().split(' ').map(Number);
      assert.equal(pids.length, 2);
      for (const pid of pids) await gone(pid);
    });

    test('is a timeout even if it answers SIGTERM with exit status 0', async () => {
      const end = await run(
        shell('trap "exit 0" TERM; echo; while :; do sleep 0.05; done', { timeoutMs: 300 }),
      );
      assert.equal(end.cause, 'timeout');
    });

    test('can be called off, before and while it runs', async () => {
      const early = await run(shell('echo ran'), { signal: AbortSignal.abort() });
      assert.deepEqual([early.cause, textOf(early)], ['aborted', '']);
      const abort = new AbortController();
      const onStderrLine = (): void => abort.abort();
      const late = await run(shell('echo up >&2; sleep 600'), { signal: abort.signal, onStderrLine });
      assert.deepEqual([late.cause, late.signal], ['aborted', 'SIGTERM']);
    });

    test('is over although a grandchild keeps its pipes open, and the grandchild is ended', async () => {
      const end = await run(shell('sleep 600 & echo $!'));
      assert.equal(end.cause, 'exit');
      await gone(Number(textOf(end)));
      assert.equal(end.use.wallMs < 60_000, true);
    });

    test('is over although a grandchild left its group and keeps its pipes open', async () => {
      const left = join(folder, 'left');
      const leave = `setsid sh -c 'echo $$ >${left}; exec sleep 600' & while [ ! -s ${left} ]; do sleep 0.05; done; cat ${left}`;
      const end = await run(shell(`rm -f ${left}; ${leave}`));
      assert.equal(end.cause, 'exit');
      const pid = Number(textOf(end));
      assert.equal(lives(pid), true); // the documented gap
      process.kill(pid, 'SIGKILL');
    });

    test('tells a signal that was not ours', async () => {
      const end = await run(shell('kill -SEGV $$'));
      assert.deepEqual([end.cause, end.code, end.signal, end.transient], ['signal', null, 'SIGSEGV', true]);
    });

    test('that gets no more memory than it may have is out of memory, whatever it makes of it', async () => {
      const limits = { memoryBytes: 256 * 1024 * 1024 };
      const python = (code: string) =>
        run({ ...shell('', { limits }), program: '/usr/bin/python3', args: ['-c', code] });
      const end = await python('bytearray(b"x") * (512 * 1024 * 1024)');
      // By a control group it is killed, else it says so itself and ends with 1.
      assert.deepEqual([end.cause, end.code === 0, end.transient], ['out_of_memory', false, false]);
      assert.match(end.reason, /needed more than its 268435456 bytes of memory/);
      const within = await python('print(len(bytearray(64 * 1024 * 1024)))');
      assert.deepEqual([within.cause, within.code, textOf(within)], ['exit', 0, '67108864\n']);
      const other = await python('raise SystemExit(3)');
      assert.deepEqual([other.cause, other.code], ['exit', 3]);
      // Neither does it write a core when it crashes.
      const held = await run(shell('ulimit -c; ulimit -n', { limits: { openFiles: 20 } }));
      assert.equal(textOf(held), '0\n20\n');
    });

    test('that uses more CPU time than it may is ended, and that is told', async () => {
      const end = await run(shell('while :; do :; done', { limits: { cpuSeconds: 1 } }));
      assert.deepEqual([end.cause, end.signal, end.transient], ['signal', 'SIGXCPU', false]);
      assert.match(end.reason, /used more than its 1 s of CPU time/);
    });

    test('that the kernel kills for want of memory is told from other kills', async t => {
      const group = memoryGroup(48 * 1024 * 1024);
      if (group === null) return t.skip('no cgroup for memory can be made here');
      try {
        const hog = `echo $$ > ${group}/cgroup.procs; exec python3 -c "bytearray(200 * 1024 * 1024)"`;
        const end = await run(shell(hog));
        assert.deepEqual([end.cause, end.signal, end.transient], ['out_of_memory', 'SIGKILL', true]);
        assert.match(end.reason, /killed by the kernel, which had no memory left/);
      } finally {
        rmdirSync(group);
      }
      const other = await run(shell('kill -KILL $$'));
      assert.deepEqual([other.cause, other.signal], ['signal', 'SIGKILL']);
    });

    test('reports its CPU time and memory', async () => {
      const end = await run(shell('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.1'));
      assert.equal(end.use.wallMs >= 100, true);
      assert.equal(end.use.maxRssKib !== null && end.use.maxRssKib > 100, true);
      // Another test's process may have ended in the same moment: then it is null, never a guess.
      assert.equal(end.use.cpuMs === null || (end.use.cpuMs >= 20 && end.use.cpuMs < 60_000), true);
    });

    const file = (name: string): string => join(folder, name);
    const faults: [string, () => Partial<ProcessSpec>, RegExp][] = [
      ['missing', () => ({ program: file('none') }), /none does not exist/],
      [
        'not executable',
        () => ({ program: program('plain', '#!/bin/sh\n', 0o644) }),
        /plain is not executable; chmod \+x/,
      ],
      ['a folder', () => ({ program: folder }), /coax-process-\w+ is a folder/],
      [
        'of a missing interpreter',
        () => ({ program: program('bad', '#!/no/such -x\n') }),
        /bad: the interpreter \/no\/such of the first line does not exist/,
      ],
      [
        'of a folder as interpreter',
        () => ({ program: program('tmp', '#!/tmp\n') }),
        /interpreter \/tmp of the first line is a folder/,
      ],
      [
        'saved on Windows',
        () => ({ program: program('crlf', '#!/bin/sh\r\necho hi\r\n') }),
        /crlf: the first line ends in a carriage return/,
      ],
      ['in a missing folder', () => ({ cwd: file('gone') }), /working directory .*gone does not exist/],
      ['given too large an argument', () => ({ args: ['x'.repeat(131_072)] }), /argument 1 has 131072 bytes/],
      [
        'given too large a variable',
        () => ({ env: { BIG: 'x'.repeat(140_000) } }),
        /variable BIG has 140004 bytes/,
      ],
      [
        'given too many arguments',
        () => ({ args: new Array(80).fill('x'.repeat(131_000)) }),
        /10480018 bytes together/,
      ],
      [
        'missing, with limits',
        () => ({ program: file('none'), limits: { openFiles: 9 } }),
        /none does not exist/,
      ],
      [
        'in a missing folder, with limits',
        () => ({ cwd: file('gone'), limits: { openFiles: 9 } }),
        /working directory .*gone does not exist/,
      ],
      ['given a NUL in its path', () => ({ program: '/bin/a\0b' }), /path has a NUL/],
      ['given a NUL in an argument', () => ({ args: ['ok', 'a\0'] }), /argument 2 has a NUL/],
      ['given a NUL in a variable', () => ({ env: { V: '\0' } }), /variable V has a NUL/],
      ['given a variable without a name', () => ({ env: { 'a=b': '' } }), /"a=b" cannot be the name/],
      ['named by a relative path', () => ({ program: 'sh' }), /sh: the program's path must be absolute/],
    ];
    for (const [name, more, reason] of faults) {
      test(`cannot start when it is ${name}`, async () => {
        const end = await run({ ...shell('true'), ...more() });
        assert.equal(end.cause, 'start_failed');
        assert.match(end.reason, reason);
        assert.equal(end.transient, false);
      });
    }
  });
}

test('what a program wrote is not lost when nobody looks at its pipes for long after it has ended', async () => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // While another child lives, Node listens to SIGCHLD.
  const other = spawn('/bin/sleep', ['600']);
  const server = createServer().listen(join(folder, 'socket'));
  await once(server, 'listening');
  const near = connect(join(folder, 'socket'));
  const [far] = (await once(server, 'connection')) as [Socket];
  try {
    const run = new Promise<Promise<ProcessEnd>>(resolve =>
      far.once('data', () => {
        // In the same turn of the loop as the signal, which is heard after this: its end is known before its pipes are looked at.
        resolve(
          runHere(shell('echo kept'), {
            onStart(pid) {
              while (lives(pid)) Atomics.wait(pause, 0, 0, 5);
            },
          }),
        );
        setImmediate(() => void Atomics.wait(pause, 0, 0, 400));
      }),
    );
    setImmediate(() => {
      near.write('now');
      process.kill(process.pid, 'SIGCHLD');
    });
    const end = await await run;
    assert.deepEqual([end.cause, end.code, textOf(end)], ['exit', 0, 'kept\n']);
  } finally {
    other.kill('SIGKILL');
    near.destroy();
    server.close();
  }
});
