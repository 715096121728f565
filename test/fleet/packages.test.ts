/** Packages on hosts with agents: installed on many, an agent killed on the way, one host unhealthy, files changed by hand. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { built, scratch } from '../package/package-fixture.ts';
import { until } from '../system/process-fixture.ts';
import { Fleet } from './fleet-fixture.ts';

const skip = process.getuid?.() === 0 ? false : 'network namespaces are made by root';
const HOSTS = ['a', 'b'];
const asking = (version: string) => `attempts: ${version === '3.0.0' ? 2 : 1000}, every: 50ms`;

test('a package is installed on hosts by their agents, whatever happens to them meanwhile', {
  skip,
}, async () => {
  await using fleet = await Fleet.open();
  const dir = scratch();
  // Where no other user would look into the data directory.
  const rootOf = (host: string) =>
    host === 'a' ? join(dir, 'a/packages') : fleet.processes.path('b/packages');
  const page = (host: string) => readFileSync(join(rootOf(host), 'current/web/page'), 'utf8');
  const versions: [version: string, check: string][] = [
    ['1.0.0', 'exit 0'],
    // Says that it was asked, and answers when it may.
    ['2.0.0', `touch ${dir}/asked$(echo $PACKAGES | tr / -); test -e ${dir}/go`],
    ['3.0.0', 'case $PACKAGES in */b/packages/*) echo "no disk" >&2; exit 4;; esac'],
  ];
  for (const host of HOSTS) {
    await fleet.lan.add(host);
    mkdirSync(fleet.processes.path(`${host}/archives`), { recursive: true });
    for (const [version, check] of versions)
      await built(
        fleet.processes.path(`${host}/archives`),
        `name: web\nversion: ${version}\nhealth: {command: [/bin/sh, -c, '${check}'], ${asking(version)}}\n`,
        { page: version },
      );
  }
  const agents = new Map(
    await Promise.all(
      HOSTS.map(
        async host =>
          [
            host,
            await fleet.join(host, ['--simulate', ...(host === 'a' ? ['--package-root', rootOf('a')] : [])]),
          ] as const,
      ),
    ),
  );
  const coax = async (...args: string[]) => {
    const program = fleet.coax('server', 'server', args);
    return { status: await program.ended, output: program.output };
  };

  const first = await coax('package', 'install', 'web@1.0.0', '--on', 'fleet=yes', '--wait');
  assert.equal(first.status, 0, first.output);
  assert.deepEqual(HOSTS.map(page), ['1.0.0', '1.0.0']);

  // Killed between the switch and the answer of its health check.
  const parameters = { hosts: HOSTS, package: 'web', version: '2.0.0' };
  const { msgid } = await fleet.client.submit({ flow: 'install_package', parameters });
  const asked = (host: string) => join(dir, `asked${`${rootOf(host)}/current`.replaceAll('/', '-')}`);
  await until('a is asked', () => existsSync(asked('a')));
  agents.get('a')!.signal('SIGKILL');
  await agents.get('a')!.ended;
  assert.equal(page('a'), '2.0.0');
  assert.ok(existsSync(join(rootOf('a'), 'pending.json')));
  const again = await fleet.agent('a');
  await again.says(/a switch that was not ended is taken back/);
  writeFileSync(join(dir, 'go'), '');
  const second = await fleet.client.waitFor(msgid);
  assert.equal(second.status, 'done', JSON.stringify(second.error));
  assert.deepEqual(HOSTS.map(page), ['2.0.0', '2.0.0']);
  assert.ok(!existsSync(join(rootOf('a'), 'pending.json')));

  // One that is not healthy on b stands on neither.
  const third = await fleet.run('install_package', { ...parameters, version: '3.0.0' });
  assert.equal(third.status, 'rolled_back');
  assert.match(
    third.error?.reason ?? '',
    /b: web 3.0.0 is not healthy, asked 2 times: .*no disk; switched back/s,
  );
  assert.deepEqual(HOSTS.map(page), ['2.0.0', '2.0.0']);

  const file = join(rootOf('a'), 'current/web/page');
  chmodSync(file, 0o644);
  appendFileSync(file, '!');
  const verified = await coax('package', 'verify', '--on', 'fleet=yes', '-o', 'json');
  assert.equal(verified.status, 10, verified.output);
  assert.deepEqual(
    JSON.parse(verified.output).faults.map(({ host, path, fault }: Record<string, string>) => [
      host,
      path,
      fault,
    ]),
    [['a', 'page', 'changed']],
  );
  await fleet.run('install_package', parameters);
  assert.equal((await coax('package', 'verify', 'web', '--on', 'a')).status, 0);

  await fleet.client.revert(msgid, {});
  assert.equal((await fleet.client.waitFor(msgid)).status, 'rolled_back');
  assert.deepEqual(HOSTS.map(page), ['1.0.0', '1.0.0']);
  const gone = await coax('package', 'remove', 'web', '--on', 'b', '--wait');
  assert.equal(gone.status, 0, gone.output);
  const list = await coax('package', 'ls', '--on', 'fleet=yes', '-o', 'name');
  assert.equal(list.output.trim(), 'a web@1.0.0\nb web');
  const freed = await coax('package', 'gc', '--on', 'b', '-o', 'json');
  assert.equal(JSON.parse(freed.output).items[0].versions.length, 3);
  assert.deepEqual((await fleet.client.fsck()).faults, []);
});
