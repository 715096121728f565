/** An agent that is started anew keeps its host up; one that is stopped does not. By hand, and under the real systemd. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AgentStatus } from '../../src/agent/agent-folder.ts';
import type { JoinTokenView } from '../../src/api/agent.ts';
import type { Client } from '../../src/client/client.ts';
import { Transport } from '../../src/client/transport.ts';
import { findProgram } from '../../src/linux/process/exec.ts';
import { gone } from '../../src/testing/process-lives.ts';
import { Processes, type Program, until } from '../system/process-fixture.ts';

const COAX = join(import.meta.dirname, '../../bin/coax');
const NAME = `coax-test-${process.pid}`;
const UNIT = `${NAME}.service`;
const GROUPS = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];

const skip =
  process.getuid?.() !== 0
    ? 'namespaces are made by root'
    : existsSync('/lib/systemd/systemd') && findProgram('systemctl') !== null
      ? false
      : 'there is no systemd here';

const STAYS = 'another agent takes this place: the host stays up';
/** What agents told their server at their end, oldest first. */
const farewells = (log: string): string[] =>
  [...log.matchAll(/the server was told that (.*)$/gm)].map(([, said]) => said!);

class World implements AsyncDisposable {
  readonly processes = new Processes();
  client!: Client;
  token = '';
  url = '';

  static async open(): Promise<World> {
    const world = new World();
    const { client, url, token } = await world.processes.server('server');
    const transport = new Transport({ url, token });
    const body = { host: 'a' };
    const path = '/v1/join-tokens';
    world.token = (await transport.json<JoinTokenView>({ method: 'POST', path, body })).token;
    transport.close();
    return Object.assign(world, { client, url });
  }

  status(): AgentStatus | null {
    const file = this.processes.path('a/agent/status.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as AgentStatus) : null;
  }

  async host() {
    return (await this.client.hosts()).items.find(({ name }) => name === 'a');
  }

  /** The reason of each time that the host was taken for down, oldest first. */
  async downs(): Promise<string[]> {
    const { items } = await this.client.messages({ flow: 'host_down', limit: 100 });
    return items.map(({ parameters }) => String(parameters.reason)).reverse();
  }

  /** Another agent than `before` is connected, and its host is up. Gives its pid. */
  async untilBack(before: number): Promise<number> {
    await until('another agent is connected', () => {
      const status = this.status();
      return status?.connected && status.pid !== before;
    });
    await until('its host is up', async () => (await this.host())?.state === 'up');
    return this.status()!.pid;
  }

  /** That it was never down; on a machine so slow that it took more than its 30 s, that this is the reason. */
  async assertStayedUp(): Promise<void> {
    for (const reason of await this.downs())
      assert.match(reason, /^its agent ended to be started anew \(20\S+Z\), and is not back yet$/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = this.status()?.pid;
    if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    await this.processes[Symbol.asyncDispose]();
  }
}

test('coax agent restart puts another one in its place, and its host stays up; after a stop it is down', async () => {
  await using world = await World.open();
  const coax = async (...args: string[]): Promise<string> => {
    const program = world.processes.coax('a', args);
    assert.equal(await program.ended, 0, program.output);
    return program.output;
  };
  const joining = [
    '--join',
    world.url,
    '--token',
    world.token,
    '--name',
    'a',
    '--label',
    'host=a',
    '--simulate',
  ];
  await coax('agent', ...joining, '--daemonize');
  const first = await world.untilBack(0);
  const step = await world.client.submit({
    flow: 'create_vm',
    parameters: { cpu: 1, mem: 128, name: 'web', labels: { host: 'a' } },
  });
  assert.equal((await world.client.waitFor(step.msgid)).status, 'done');
  assert.match(await coax('agent', 'restart'), /^host +a$/m);
  const second = await world.untilBack(first);
  await gone(first);
  await world.assertStayedUp();
  const log = readFileSync(world.processes.path('a/agent/agent.log'), 'utf8');
  assert.match(log, /SIGUSR2: letting the steps under way end/);
  assert.deepEqual(farewells(log), [STAYS]);

  await coax('agent', 'stop');
  await gone(second);
  await until('the host is down', async () => (await world.host())?.state === 'down');
  assert.match((await world.downs()).at(-1)!, /^its agent was stopped \(/);
  // Where none runs, one is started.
  await coax('agent', 'restart');
  await world.untilBack(second);
  await coax('agent', 'stop');
});

/** A manager of systemd of its own, with its own processes and its own /run; null, with the reason, where it cannot run. */
async function startManager(
  world: World,
): Promise<{ systemctl(...words: string[]): Promise<string>; why: null } | { why: string }> {
  const home = world.processes.path('home');
  mkdirSync(join(home, '.config/systemd/user'), { recursive: true });
  const environment = { COAX_DATA: world.processes.path('a'), COAX_JOIN_TOKEN: world.token, HOME: home };
  writeFileSync(
    join(home, '.config/systemd/user', UNIT),
    [
      ...['[Unit]', 'DefaultDependencies=no', '[Service]', 'Type=notify', 'NotifyAccess=main'],
      ...['KillMode=process', 'Restart=always', 'RestartSec=100ms', 'TimeoutStartSec=10min'],
      ...Object.entries(environment).map(([name, value]) => `Environment=${name}=${value}`),
      `StandardError=append:${world.processes.path('agent.log')}`,
      `ExecStart=${COAX} agent --join ${world.url} --name a --simulate`,
      '',
    ].join('\n'),
  );
  writeFileSync(join(home, '.config/systemd/user/idle.target'), '[Unit]\nDefaultDependencies=no\n');
  const asked = world.processes.path('asked');
  mkdirSync(asked);
  const script = `
for base in ${GROUPS.join(' ')}; do
  if [ -w $base/cgroup.procs ]; then mkdir $base/${NAME} && echo $$ >$base/${NAME}/cgroup.procs; fi
done
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user && chmod 700 /run/user || exit 1
/lib/systemd/systemd --user --unit=idle.target --log-target=console &
manager=$!
until systemctl --user is-active -q idle.target 2>/dev/null; do
  kill -0 $manager 2>/dev/null || { echo "no manager"; exit 1; }
  sleep 0.2
done
echo "manager ready"
n=1
while kill -0 $manager 2>/dev/null; do
  if [ -e ${asked}/$n ]; then
    systemctl --user $(cat ${asked}/$n) >${asked}/$n.out 2>&1
    echo "status $?" >>${asked}/$n.out
    mv ${asked}/$n.out ${asked}/$n.done
    n=$((n + 1))
  else sleep 0.05; fi
done
`;
  const flags = ['--pid', '--mount', '--propagation', 'private', '--fork', '--mount-proc', '--kill-child'];
  const program: Program = world.processes.start('unshare', [...flags, 'sh', '-c', script], {
    HOME: home,
    XDG_RUNTIME_DIR: '/run/user',
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  });
  const isThere = await until('systemd is there, or says that it cannot be', async () => {
    const isOver = await Promise.race([program.ended.then(() => true), Promise.resolve(false)]);
    return /^manager ready/m.test(program.output) ? 'yes' : isOver && 'no';
  });
  if (isThere === 'no') return { why: `systemd does not start here: ${program.output.slice(-500)}` };
  let n = 0;
  return {
    why: null,
    async systemctl(...words) {
      const file = join(asked, String(++n));
      writeFileSync(`${file}.new`, words.join(' '));
      renameSync(`${file}.new`, file);
      await until(`systemctl ${words.join(' ')}`, () => existsSync(`${file}.done`));
      const said = readFileSync(`${file}.done`, 'utf8');
      assert.match(said, /^status 0$/m, `${said}\n${program.output}`);
      return said;
    },
  };
}

/** Takes the control groups away that systemd made there. */
function removeGroups(): void {
  const remove = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(folder, entry.name));
    rmdirSync(folder);
  };
  for (const base of GROUPS) if (existsSync(join(base, NAME))) remove(join(base, NAME));
}

test('systemctl restart keeps the host up, and so does systemd that starts it anew; systemctl stop says that it is down', {
  skip,
}, async context => {
  try {
    await using world = await World.open();
    const manager = await startManager(world);
    if (manager.why !== null) return context.skip(manager.why);
    const { systemctl } = manager;
    await systemctl('start', UNIT);
    const first = await world.untilBack(0);

    const log = () => readFileSync(world.processes.path('agent.log'), 'utf8');
    await systemctl('restart', UNIT);
    const second = await world.untilBack(first);
    assert.deepEqual(farewells(log()), [STAYS]);
    await world.assertStayedUp();

    // SIGTERM by somebody else: Restart=always brings it back.
    await systemctl('kill', '--signal=TERM', '--kill-whom=main', UNIT);
    await world.untilBack(second);
    assert.deepEqual(farewells(log()), [STAYS, STAYS]);
    await world.assertStayedUp();

    await systemctl('stop', UNIT);
    await until('the host is down', async () => (await world.host())?.state === 'down');
    assert.match((await world.downs()).at(-1)!, /^its agent was stopped \(/);
    assert.deepEqual(farewells(log()), [STAYS, STAYS, 'the host is down']);
  } finally {
    await until('its control groups are empty', () => {
      try {
        removeGroups();
        return true;
      } catch {
        return false;
      }
    });
  }
});
