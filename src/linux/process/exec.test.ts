import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gone, lives } from '../../testing/process-lives.ts';
import { exec, findProgram, ProgramMissing, spawnDetached } from './exec.ts';

test('exec gives status, output and log, and passes the input', async () => {
  assert.deepEqual(await exec('sh', ['-c', 'cat; echo no >&2; exit 3'], { input: 'ü' }), {
    code: 3,
    signal: null,
    stdout: 'ü',
    stderr: 'no\n',
  });
});

test('exec does not pass our environment on', async () => {
  process.env.COAX_TEST_SECRET = 'leak';
  assert.doesNotMatch((await exec('env', [])).stdout, /leak/);
  assert.equal((await exec('env', [], { env: { A: '1' } })).stdout, 'A=1\n');
});

test('exec of a program that is not installed throws ProgramMissing', async () => {
  await assert.rejects(exec('coax-no-such-tool', []), new ProgramMissing('coax-no-such-tool'));
  await assert.rejects(
    spawnDetached('/etc/passwd', [], { stdoutFile: '/dev/null', stderrFile: '/dev/null' }),
    ProgramMissing,
  );
  assert.equal(findProgram('coax-no-such-tool'), null);
  assert.equal(findProgram('/tmp'), null);
  assert.match(findProgram('sh')!, /^\/(usr\/)?bin\/sh$/);
});

test('exec kills the whole group at its timeout and at an abort', async () => {
  const script = 'sleep 600 & echo $!; wait';
  // On a busy machine it takes a while until it has begun.
  for (let timeoutMs = 300; ; timeoutMs *= 4) {
    const late = await exec('sh', ['-c', script], { timeoutMs });
    assert.equal(late.signal, 'SIGKILL');
    if (late.stdout === '') continue;
    await gone(Number(late.stdout));
    break;
  }
  const off = await exec('sh', ['-c', script], { signal: AbortSignal.timeout(100) });
  assert.equal(off.signal, 'SIGKILL');
  const early = await exec('sh', ['-c', 'echo ran'], { signal: AbortSignal.abort() });
  assert.equal(early.stdout, '');
});

test('spawnDetached starts a program in its own session, with its output in files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coax-exec-'));
  const files = { stdoutFile: join(folder, 'out'), stderrFile: join(folder, 'err') };
  try {
    const pid = await spawnDetached('sh', ['-c', 'echo up; pwd >&2; exec sleep 600'], {
      ...files,
      cwd: folder,
    });
    try {
      assert.equal(lives(pid), true);
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      assert.equal(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]), pid);
      while (readFileSync(`/proc/${pid}/comm`, 'latin1').trim() !== 'sleep') {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      assert.equal(readFileSync(files.stdoutFile, 'utf8'), 'up\n');
      assert.equal(readFileSync(files.stderrFile, 'utf8'), `${folder}\n`);
    } finally {
      process.kill(pid, 'SIGKILL');
      await gone(pid);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
