/** fsck of hosts with agents, on both engines: what they reported against what is on record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentReport, ReportedGuest } from '../../src/cloud/agents/agent-report.ts';
import { agentTables } from '../../src/cloud/agents/schema.ts';
import { takeReport } from '../../src/cloud/agents/take-report.ts';
import { simulatedHost } from '../../src/cloud/compute/simulated/shared-guests.ts';
import { checkAgents } from '../../src/cloud/fsck/check-agents.ts';
import { registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { simulatedHosts } from '../../src/cloud/simulated-hosts.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { REAL_TIMERS, type Timers } from '../../src/store/timers.ts';
import { reportOf } from './agent-fixture.ts';
import { onBothEngines } from './both-engines.ts';
import { type CloudFixture, openFixture } from './cloud-fixture.ts';

const HOST = 'sim-3';
const STRAY = '00000000-0000-4000-8000-000000000001';

/** Makes one of the simulated hosts one with an agent, whose reports the test gives. */
async function withAgent({ store }: CloudFixture): Promise<void> {
  const agent = { public_key: 'k', version: '1', address: '', boot_id: 'b', report: '' };
  const row = { host: HOST, ...agent, enrolled: 1, seen: 0, lease_until: 0 };
  await store.transact(async ({ db }) => {
    await agentTables(db).insertInto('agents').values(row).execute();
    await db.updateTable('hosts').set({ agent: 1 }).where('name', '=', HOST).execute();
  });
}

let reports = 0;
async function report(
  { store }: CloudFixture,
  guests: readonly ReportedGuest[],
  leaseMs = 600_000,
): Promise<void> {
  const now = store.now();
  const row = {
    seen: now + ++reports,
    lease_until: now + leaseMs,
    report: JSON.stringify(reportOf({ guests: [...guests] })),
  };
  await store.transact(({ db }) => agentTables(db).updateTable('agents').set(row).execute());
}

/** While it is waited for a newer report, the agent reports these guests. */
const reporting = (fixture: CloudFixture, guests: readonly ReportedGuest[]): Timers => ({
  ...REAL_TIMERS,
  after(_ms, call) {
    void report(fixture, guests).then(call);
    return () => {};
  },
});

const check = (fixture: CloudFixture, later: readonly ReportedGuest[]) =>
  checkAgents(fixture.store, fixture.cloud.installation, reporting(fixture, later));

const guestOf = (uuid: string, msgid: number | null, name = 'web'): ReportedGuest => ({
  uuid,
  name,
  msgid,
  state: 'running',
  pid: 1,
});

async function makeVm(fixture: CloudFixture): Promise<ReportedGuest> {
  const message = await fixture.run('create_vm', { cpu: 1, mem: 96, name: 'web', labels: { host: HOST } });
  assert.equal(message.phase, 'done', JSON.stringify(message.error));
  return guestOf(String(parametersOf(message).uuid), message.msgid);
}

onBothEngines('fsck', options => {
  test('a guest that the host lacks, one that nobody knows, and one whose message was rolled back', async () => {
    await using fixture = await openFixture(options());
    await withAgent(fixture);
    const web = await makeVm(fixture);
    const gone = await fixture.run('create_vm', { cpu: 1, mem: 96, name: 'db', labels: { host: HOST } });
    await fixture.decisions.revert(gone.msgid, { actor: 'test', reason: 'to see' });
    assert.equal((await fixture.rest(gone.msgid)).phase, 'rolled_back');
    await report(fixture, [web]);
    assert.deepEqual(await fixture.cloud.fsckReport(), { faults: [], notes: [] });

    const left = guestOf(String(parametersOf(gone).uuid), gone.msgid, 'db');
    const guests = [left, guestOf(STRAY, null, 'x')];
    await report(fixture, guests);
    const { faults, notes } = await check(fixture, guests);
    assert.deepEqual(notes, []);
    const short = faults.map(({ kind, where, hint }) => [kind, where, /`coax [^`]*`/.exec(hint)![0]]);
    assert.deepEqual(short, [
      ['guest-missing', 'vm web', '`coax host reconcile sim-3 --apply`'],
      ['guest-left', `guest ${left.uuid}`, '`coax gc`'],
      ['guest-left', `guest ${STRAY}`, `\`coax host reconcile sim-3 --apply --delete-unknown ${STRAY}\``],
    ]);
    assert.match(faults[1]!.reason, new RegExp(`message ${gone.msgid}, which made it, was rolled back`));
  });

  test('a VM in another state than on record is named with both sides, since when, and the way out', async () => {
    await using fixture = await openFixture(options());
    await withAgent(fixture);
    const web = await makeVm(fixture);
    const timeless = (notes: readonly string[]) => notes.map(note => note.replace(/\d{4}-\d\S+Z/g, 'TIME'));
    for (const [state, way] of [
      [
        'stopped',
        '`coax host reconcile sim-3 --apply` starts it, `coax vm stop web` puts on record that it is stopped',
      ],
      ['paused', 'somebody paused it; `coax vm stop web`, then `coax vm start web`, boots it anew'],
    ] as const) {
      const guests = [{ ...web, state, since: Date.UTC(2020, 0, 1) }];
      await report(fixture, guests);
      const { faults, notes } = await check(fixture, guests);
      assert.deepEqual(faults, []);
      assert.match(notes[0]!, new RegExp(`has it ${state} since 2020-01-01T00:00:00.000Z `));
      assert.deepEqual(timeless(notes), [
        `vm web is running on record (message ${web.msgid}, TIME), and host sim-3 has it ${state} since TIME (told TIME): ${way}`,
      ]);
      // What the next report does not say is not told.
      assert.deepEqual(await check(fixture, [web]), { faults: [], notes: [] });
    }

    // The guest is told to have stopped before its message says so, and is started behind its back later.
    const stopping = await fixture.run('stop_vm', { name: 'web' });
    assert.equal(stopping.phase, 'done', JSON.stringify(stopping.error));
    await report(fixture, [web]);
    const { notes } = await check(fixture, [web]);
    assert.deepEqual(timeless(notes), [
      `vm web is stopped on record (message ${stopping.msgid}, TIME), and host sim-3 has it running since TIME (told TIME): ` +
        '`coax host reconcile sim-3 --apply` puts on record that it runs, `coax vm stop web` stops it',
    ]);
    // Silent, it is told what it said last.
    await report(fixture, [web], -1);
    assert.deepEqual(timeless((await check(fixture, [web])).notes), [
      'host sim-3 was not compared with its 1 VM: it is silent, and its last report is of TIME; by then vm web was running, on record it is stopped',
    ]);
    await report(fixture, [], -1);
    assert.match(
      (await check(fixture, [])).notes[0]!,
      /; by then vm web was not there, on record it is stopped$/,
    );
  });

  test('a report keeps since when the host tells the state of each guest', async () => {
    await using fixture = await openFixture(options());
    await withAgent(fixture);
    const { store } = fixture;
    const kept = async () => {
      const row = await agentTables(store.reader)
        .selectFrom('agents')
        .select(['seen', 'report'])
        .executeTakeFirstOrThrow();
      const { guests } = JSON.parse(row.report) as AgentReport;
      return { seen: Number(row.seen), since: guests[0]!.since! };
    };
    const told = async (state: ReportedGuest['state']) => {
      const before = store.now();
      await takeReport(store, HOST, reportOf({ guests: [{ ...guestOf(STRAY, null), state }] }));
      return { before, ...(await kept()) };
    };
    const first = await told('running');
    assert.ok(first.since >= first.before && first.since <= first.seen);
    while (store.now() <= first.seen) await new Promise(resolve => setImmediate(resolve));
    assert.equal((await told('running')).since, first.since);
    const stopped = await told('stopped');
    assert.ok(stopped.since > first.since);
    assert.equal((await told('stopped')).since, stopped.since);
  });

  test('a guest of this server that stopped behind its back is named, too', async () => {
    await using fixture = await openFixture(options());
    const web = await makeVm(fixture);
    assert.deepEqual(await fixture.cloud.fsckReport(), { faults: [], notes: [] });
    const { store, dataDir } = fixture;
    await simulatedHost(store, dataDir, HOST).stop(web.uuid, 0, new AbortController().signal);
    const { faults, notes } = await fixture.cloud.fsckReport();
    assert.deepEqual(faults, []);
    assert.match(
      notes.join(),
      /^vm web is running on record \(message \d+, 2\S+Z\), and host sim-3 has it stopped now: `coax host reconcile sim-3 --apply` starts it/,
    );
  });

  test('what a report begun later does not bear out is no fault', async () => {
    await using fixture = await openFixture(options());
    await withAgent(fixture);
    const web = await makeVm(fixture);
    await report(fixture, [guestOf(STRAY, null, 'x')]);
    assert.deepEqual(await check(fixture, [web]), { faults: [], notes: [] });
  });

  test('a host that is not heard of is not compared, and that is said', async () => {
    await using fixture = await openFixture(options());
    await withAgent(fixture);
    const web = await makeVm(fixture);
    const notesOf = async () => {
      const { faults, notes } = await check(fixture, []);
      assert.deepEqual(faults, []);
      return notes.map(note => note.replace(/\d{4}-\S+Z/, 'TIME'));
    };
    assert.deepEqual(await notesOf(), [
      'host sim-3 was not compared with its 1 VM: it is silent, and it has never reported',
    ]);
    await report(fixture, [web], -1);
    assert.deepEqual(await notesOf(), [
      'host sim-3 was not compared with its 1 VM: it is silent, and its last report is of TIME',
    ]);
    assert.equal((await fixture.run('host_down', { host: HOST, reason: 'silent' })).phase, 'done');
    await report(fixture, [web]);
    assert.deepEqual(await notesOf(), [
      'host sim-3 was not compared with its 1 VM: it is down, and its last report is of TIME',
    ]);
  });

  test('a VM on its way to another host is nobody’s fault, wherever its guest is', async () => {
    await using fixture = await openFixture(options());
    await withAgent(fixture);
    const web = await makeVm(fixture);
    // Nobody serves that host, so the move waits for it.
    const [first] = simulatedHosts('simulated');
    await fixture.store.transact(tx => registerHosts(tx, [{ ...first!, name: 'far-1', labels: {} }]));
    const msgid = await fixture.submit('move_vm', { name: 'web', to: 'far-1' });
    const atFar = async () => {
      const commits = await fixture.store.commits(msgid);
      return commits.some(({ step }) => step === 'compute take_down');
    };
    while (!(await atFar())) await new Promise(resolve => setImmediate(resolve));
    for (const guests of [[], [web]]) {
      await report(fixture, guests);
      assert.deepEqual(await check(fixture, guests), { faults: [], notes: [] });
    }
  });
});
