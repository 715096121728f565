/** `coax up` and `coax agent` under real supervisors: systemd's own programs, runit, and the protocol that they speak. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readServerFile } from '../../src/cli/data-dir.ts';
import { NotifySocket } from '../../src/linux/daemon/notify-socket.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { gone } from '../../src/testing/process-lives.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-supervised-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const COAX = join(import.meta.dirname, '../../bin/coax');
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

async function until<T>(look: () => Promise<T | null | undefined | false> | T | null | undefined | false) {
  for (let looks = 0; looks < 18_000; looks++) {
    const found = await look();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error('it did not come');
}

const environment = (data: string, more: Record<string, string> = {}): Record<string, string> => ({
  ...{ PATH, HOME: folder, COAX_DATA: join(folder, data), COAX_LISTEN: '127.0.0.1:0', LC_ALL: 'C' },
  ...more,
});

function begin(program: string, args: string[], env: Record<string, string>) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', piece => {
      said += String(piece);
    });
  return { child, said: () => said };
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise(resolve => child.once('exit', code => resolve(code)));

const live = async (url: string): Promise<boolean> =>
  (await exec('curl', ['-s', '--max-time', '60', `${url}/livez`])).code === 0;

test('systemd hands its socket to coax up, which serves it; one for other machines is refused', async () => {
  const port = await freePort();
  const up = ['-l', `127.0.0.1:${port}`, '-E', 'COAX_DATA', '-E', 'HOME', COAX, 'up', '--simulate'];
  const env = environment('activated');
  const { child, said } = begin('systemd-socket-activate', up, env);
  try {
    await until(() => said().includes('Listening on') || (child.exitCode !== null && assert.fail(said())));
    // The connection that starts it waits until it serves.
    assert.equal(await live(`http://127.0.0.1:${port}`), true, said());
    assert.equal(readServerFile(env.COAX_DATA!)?.url, `http://127.0.0.1:${port}`);
  } finally {
    child.kill('SIGTERM');
    assert.equal(await ended(child), 0);
  }

  const far = [
    '-l',
    `0.0.0.0:${await freePort()}`,
    '-E',
    'COAX_DATA',
    '-E',
    'HOME',
    COAX,
    'up',
    '--simulate',
  ];
  const refused = begin('systemd-socket-activate', far, environment('far'));
  await until(() => refused.said().includes('Listening on'));
  await live(`http://127.0.0.1:${far[1]!.split(':')[1]}`);
  assert.notEqual(await ended(refused.child), 0);
  // Its last words may be read after its end is told.
  await until(() => /0\.0\.0\.0\): not a loopback address/.test(refused.said()));
});

test('coax up and coax agent say when they serve, that they live, and that they end', async () => {
  using socket = new NotifySocket();
  const heard: string[] = [];
  let listening = true;
  const listen = (async () => {
    while (listening) for (const [name, value] of await socket.next()) heard.push(`${name}=${value}`);
  })();
  const notified = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '200000' };
  const server = begin(COAX, ['up', '--simulate'], environment('notify', notified));
  try {
    await until(
      () => heard.includes('READY=1') || (server.child.exitCode !== null && assert.fail(server.said())),
    );
    const { url } = readServerFile(join(folder, 'notify'))!;
    assert.equal(heard.includes(`STATUS=serves ${url}`), true, heard.join());
    assert.equal(heard.includes(`MAINPID=${server.child.pid}`), true, 'bin/coax becomes the server');
    const beats = (): number => heard.filter(line => line === 'WATCHDOG=1').length;
    await until(() => beats() >= 3);

    const token = await exec(COAX, ['host', 'token', '-o', 'json'], { env: environment('notify') });
    assert.equal(token.code, 0, token.stderr);
    heard.length = 0;
    const join_ = ['agent', '--simulate', '--name', 'elsewhere', '--join', url];
    const given = { ...notified, COAX_JOIN_TOKEN: JSON.parse(token.stdout).token as string };
    const agent = begin(COAX, join_, environment('agent', given));
    try {
      await until(
        () =>
          heard.includes(`STATUS=connected to ${url} as elsewhere`) ||
          (agent.child.exitCode !== null && assert.fail(agent.said())),
      );
      await until(() => heard.includes(`MAINPID=${agent.child.pid}`));
    } finally {
      agent.child.kill('SIGTERM');
      assert.equal(await ended(agent.child), 0);
    }
    await until(() => heard.includes('STOPPING=1'));
  } finally {
    server.child.kill('SIGTERM');
    assert.equal(await ended(server.child), 0);
    listening = false;
    await listen;
  }
});

test('runit keeps coax up running, and ends it in order', async () => {
  const service = join(folder, 'service');
  mkdirSync(service);
  const env = environment('runit');
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${value}`);
  writeFileSync(
    join(service, 'run'),
    ['#!/bin/sh', ...exports, `exec ${COAX} up --simulate 2>&1`].join('\n'),
  );
  chmodSync(join(service, 'run'), 0o755);
  const runsv = begin('runsv', [service], { PATH });
  const served = (not: number) =>
    until(async () => {
      const file = readServerFile(env.COAX_DATA!);
      return file?.alive && file.pid !== not && (await live(file.url)) && file.pid;
    });
  try {
    const first = await served(0);
    process.kill(first, 'SIGKILL');
    const second = await served(first);
    assert.notEqual(second, first);
    const down = await exec('sv', ['-w', '60', 'down', service], { env: { PATH } });
    assert.match(down.stdout, /^ok: down/, down.stdout);
    await gone(second);
    await until(() => /SIGTERM: letting the steps under way end/.test(runsv.said()));
  } finally {
    runsv.child.kill('SIGTERM');
    await ended(runsv.child);
  }
});

test('coax up --detach opens its log anew at SIGHUP', async () => {
  const env = environment('detached');
  const data = env.COAX_DATA!;
  const up = await exec(COAX, ['up', '--simulate', '--detach'], { env });
  assert.equal(up.code, 0, up.stderr);
  const { pid } = readServerFile(data)!;
  const log = join(data, 'server.log');
  try {
    const before = readFileSync(log, 'utf8');
    assert.match(before, /^server/);
    renameSync(log, `${log}.1`);
    process.kill(pid, 'SIGHUP');
    await until(() => existsSync(log) && readlinkSync(`/proc/${pid}/fd/2`) === log);
  } finally {
    await exec(COAX, ['down'], { env });
    await gone(pid);
  }
  assert.match(readFileSync(log, 'utf8'), /^SIGTERM: letting.*stopped\n$/s);
});
