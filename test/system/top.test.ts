/** `coax top`, as people and scripts use it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exec, findProgram } from '../../src/linux/process/exec.ts';
import { CliWorld } from './cli-fixture.ts';
import { until } from './process-fixture.ts';

const world = new CliWorld();
after(() => world.close());

interface Answer {
  readonly seconds: number;
  readonly delaysCounted: boolean;
  readonly delaysReason: string;
  readonly machine: { readonly cpus: number; readonly memoryTotalBytes: number };
  readonly items: readonly {
    readonly pid: number;
    readonly user: string;
    readonly vm: string | null;
    readonly cpuPercent: number;
    readonly pssBytes: number | null;
    readonly rssBytes: number;
    readonly writeBytesPerSecond: number | null;
    readonly ioDelayPercent: number | null;
    readonly arguments: readonly string[];
  }[];
}

const quick = ['--once', '-d', '100ms'];

test('for programs it tells each process with its figures, and the machine', async () => {
  const { status, stdout, stderr } = await world.coax('top', ...quick, '-o', 'json');
  assert.equal(status, 0, stderr);
  const answer = JSON.parse(stdout) as Answer;
  assert.ok(answer.seconds >= 0.1 && answer.machine.cpus > 0);
  assert.equal(answer.delaysCounted, answer.delaysReason === '');
  const own = answer.items.find(({ pid }) => pid === process.pid)!;
  assert.equal(own.arguments[0], process.execPath);
  assert.ok(own.pssBytes! > 1 << 20 && own.pssBytes! <= own.rssBytes);
  assert.equal(own.vm, null);
  assert.notEqual(own.writeBytesPerSecond, null);
  if (!answer.delaysCounted) assert.equal(own.ioDelayPercent, null);
});

test('rows are cut and sorted as asked, and a process is picked', async () => {
  const most = await world.coax('top', ...quick, '-n', '3', '--sort', 'mem', '-o', 'json');
  const items = (JSON.parse(most.stdout) as Answer).items;
  assert.equal(items.length, 3);
  const shares = items.map(({ pssBytes }) => pssBytes ?? 0);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
  );
  const one = await world.coax('top', ...quick, '--pid', String(process.pid), '--pid', '1', '-o', 'name');
  assert.deepEqual(one.stdout.trim().split('\n').sort(), ['1', String(process.pid)].sort());
  const table = await world.coax('top', ...quick, '--pid', String(process.pid));
  assert.match(
    table.stdout,
    /^CPU \d+% of \d+ {3}memory [\d.]+[MG] of .*\n(no IO%: .*\n)?\s*PID {2}USER .*CPU%↓ .*PSS .*READ\/S {2}WRITE\/S .*COMMAND\n\s*\d+ {2}\S+ .*\n$/,
  );
});

test('what is not there, and what cannot be asked, is told in a line', async () => {
  const nobody = await world.coax('top', ...quick, '--pid', '4194400');
  assert.equal(nobody.status, 3);
  assert.match(nobody.stderr, /there is no process 4194400 on this machine/);
  const noVm = await world.coax('top', ...quick, '--vm', 'no-such-vm');
  assert.match(noVm.stderr, /there is no VM no-such-vm on this machine.*COAX_NOT_FOUND/);
  for (const wrong of [
    ['--pid', 'x'],
    ['-d', '1ms'],
    ['-n', '0'],
    ['--sort', 'size'],
  ])
    assert.equal((await world.coax('top', ...wrong)).status, 2, wrong.join(' '));
});

const tmux = (...words: string[]) => exec('tmux', ['-L', `coax-${process.pid}`, '-f', '/dev/null', ...words]);

test('on a terminal it is drawn over, keys sort it, and q ends it', {
  skip: findProgram('tmux') === null ? 'no tmux here' : false,
}, async () => {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const command = `${process.execPath} --disable-warning=ExperimentalWarning ${main} top -d 200ms; echo ended $?`;
  const started = await tmux('new-session', '-d', '-x', '100', '-y', '20', `sh -c '${command}; sleep 1000'`);
  assert.equal(started.code, 0, started.stderr);
  const shows = (what: RegExp) =>
    until(`it shows ${what}`, async () => what.exec((await tmux('capture-pane', '-p')).stdout));
  try {
    await shows(/^ *PID +USER +CPU%↓ +PSS(.|\n)*^q ends {3}sort by: c cpu/m);
    await tmux('send-keys', 'm');
    await shows(/^ *PID +USER +CPU% +PSS↓/m);
    await tmux('send-keys', 'w');
    await shows(/WRITE\/S↓/);
    await tmux('send-keys', 'q');
    await shows(/^ended 0$/m);
  } finally {
    await tmux('kill-server');
  }
});
