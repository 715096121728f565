/** Several servers place VMs at once on one PostgreSQL: nothing is given out twice, and rules hold whoever places. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Processes, until } from '../system/process-fixture.ts';
import { postgresTests } from './fixture.ts';

const tests = postgresTests();

/** What decides: the host, the name, the address, and what is recorded. */
const FLOW = `
name: place
parameters:
  cpu: { type: integer }
  mem: { type: integer, default: 1024 }
  name: { type: string, default: '' }
  placement: { type: object, default: {} }
steps:
  - { do: resource select_host, retry: { attempts: 20, backoff: 50ms, backoffMax: 200ms } }
  - network alloc_ip
  - resource update_info
`;
/** The fleet: 4 hosts of 64 CPUs. */
const HOSTS = 4;
const CPUS = 64;
/** More than there is room for: 8 fit on a host. */
const PLAIN = { count: 60, cpu: 8 };
const GROUPED = 12;
const NAMED = 6;

interface Allocation {
  readonly key: string;
  readonly msgid: string;
  readonly detail: string;
}

it('no host is over-committed, no name or address is given twice, and groups are kept apart', () =>
  tests.withDatabase(async ({ url, sql }) => {
    await using processes = new Processes();
    mkdirSync(processes.path('flows'));
    writeFileSync(join(processes.path('flows'), 'place.yaml'), FLOW);
    const env = { COAX_STORE: url };
    const flows = ['--flows', processes.path('flows')];
    const { client } = await processes.server('one', flows, env);
    const others = [await processes.server('two', flows, env), await processes.server('three', flows, env)];
    const clients = [client, ...others.map(other => other.client)];
    const bodies = [
      ...Array.from({ length: GROUPED }, () => ({ cpu: 1, placement: { group: { name: 'apart' } } })),
      ...Array.from({ length: NAMED }, () => ({ cpu: 1, name: 'only-one' })),
      ...Array.from({ length: PLAIN.count }, () => ({ cpu: PLAIN.cpu })),
    ];
    await Promise.all(
      bodies.map((parameters, at) => clients[at % clients.length]!.submit({ flow: 'place', parameters })),
    );
    await until('all messages rest', async () => {
      const [row] = await sql(
        `SELECT count(*) AS n FROM messages WHERE phase IN ('done', 'rolled_back', 'parked')`,
      );
      return Number(row?.n) === bodies.length;
    });

    const claims = await allocations(sql, 'claim');
    const used = new Map<string, number>();
    for (const { host, cpu } of claims) used.set(host, (used.get(host) ?? 0) + cpu);
    assert.deepEqual(
      [...used.values()].filter(cpus => cpus > CPUS),
      [],
      'no host is over-committed',
    );
    const [counted] = await sql('SELECT sum(cpu_used) AS cpus, sum(vms) AS vms FROM hosts');
    assert.equal(
      Number(counted?.cpus),
      claims.reduce((sum, { cpu }) => sum + cpu, 0),
    );
    assert.equal(Number(counted?.vms), claims.length);

    const done = (await sql(`SELECT msgid FROM messages WHERE phase = 'done'`)).map(({ msgid }) =>
      Number(msgid),
    );
    assert.deepEqual(claims.map(({ msgid }) => msgid).sort(ascending), done.sort(ascending));
    for (const kind of ['ip', 'vm'])
      assert.deepEqual((await allocations(sql, kind)).map(({ msgid }) => msgid).sort(ascending), done, kind);

    const apart = claims.filter(({ group }) => group === 'apart');
    assert.equal(
      new Set(apart.map(({ host }) => host)).size,
      apart.length,
      'each of the group on a host of its own',
    );
    assert.equal(apart.length, HOSTS, 'and as many as there are hosts');
    const named = await allocations(sql, 'vm');
    assert.equal(named.filter(({ key }) => key === 'only-one').length, 1);
    // What is left of the room is less than one of the large ones asks for.
    for (const [host, cpus] of used)
      assert.ok(cpus > CPUS - PLAIN.cpu, `${host} has ${cpus} of ${CPUS} in use`);
    // The flow builds no guests.
    const faults = (await client.fsck()).faults.filter(({ kind }) => kind !== 'guest-missing');
    assert.deepEqual(faults, []);
  }));

const ascending = (a: number, b: number): number => a - b;

async function allocations(sql: (text: string) => Promise<Record<string, unknown>[]>, kind: string) {
  const rows = (await sql(`SELECT key, msgid, detail FROM allocations WHERE kind = '${kind}'`)) as unknown;
  return (rows as Allocation[]).map(({ key, msgid, detail }) => {
    const { host = '', cpu = 0, group = '' } = JSON.parse(detail);
    return { key, msgid: Number(msgid), host: String(host), cpu: Number(cpu), group: String(group) };
  });
}
