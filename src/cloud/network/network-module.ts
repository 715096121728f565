import { sql } from 'kysely';
import { z } from 'zod';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import {
  allocate,
  allocateAll,
  allocationAt,
  countedOf,
  type NewAllocation,
  takeOut,
} from '../allocations.ts';
import { isOneOf } from '../change-marks.ts';
import { assertQuota, countUse, refusals } from '../quota/accounts.ts';
import { NO_USE } from '../quota/use.ts';
import { cloudTables, type NetworkRow } from '../schema.ts';
import { formatAddress, macOf, parseAddress } from './address.ts';
import { giveBack, takeAddress, takeLowest, takeLowestMany } from './free-ranges.ts';

const text = z.string().nullish();
const ONE_ADDRESS = { ...NO_USE, addresses: 1 };

/** Module `network`: addresses for guests. Transactional, so no crash can leave an address that nobody has and nobody may take. */
export function networkModule(): ModuleDefinition {
  return defineModule({
    name: 'network',
    about: 'Networks and their addresses.',
    actions: {
      alloc_ip: {
        about: "Takes an address: the lowest free one of the host's network, or the one asked for.",
        transactional: true,
        input: z.object({ host: text, network: text, address: text }),
        output: z.object({ ip: z.string(), mac: z.string(), network: z.string() }),
        async do(input, call) {
          const { tx } = call;
          await assertQuota(tx, { msgid: call.msgid, use: ONE_ADDRESS });
          const network = await networkFor(tx, input.network, input.host);
          const address = input.address
            ? await takeAsked(tx, network, input.address)
            : await takeLowest(tx, network.name);
          if (address === null) throw noFreeAddress(network);
          const ip = formatAddress(address);
          const mac = macOf(network.mac_prefix, address);
          const detail = { network: network.name, mac };
          await allocate(tx, 'ip', ip, call, detail);
          await countUse(tx, [{ kind: 'ip', msgid: call.msgid, detail }], 1);
          return { ip, mac, network: network.name };
        },
        together: takeMany,
        async undo(_input, _output, call) {
          const taken = await takeOut(call.tx, 'ip', call);
          await countUse(call.tx, taken, -1);
          for (const { key, detail } of taken) {
            await giveBack(call.tx, String(detail.network), parseAddress(key)!);
          }
        },
      },
    },
  });
}

interface Asked {
  readonly input: {
    readonly host?: string | null;
    readonly network?: string | null;
    readonly address?: string | null;
  };
  readonly call: TransactionalCall;
}

/** The lowest free address for each; null for who asks for one of his own, or when there is none. */
async function takeMany(calls: readonly Asked[]) {
  const { tx } = calls[0]!.call;
  const names = await networkNames(tx, calls);
  const known = await networksNamed(tx, names);
  const answers: ({ ip: string; mac: string; network: string } | null)[] = calls.map(() => null);
  const made: NewAllocation[] = [];
  const over = await refusals(
    tx,
    calls.map(({ call }) => ({ msgid: call.msgid, use: ONE_ADDRESS })),
  );
  const places = calls
    .map((_, at) => at)
    .filter(at => !calls[at]!.input.address && known.has(names[at]!) && over[at] === null);
  // One network after another in a fixed order, so that two transactions do not wait for each other.
  for (const [name, of] of [...Map.groupBy(places, at => names[at]!)].sort(byName)) {
    const network = known.get(name)!;
    for (const [index, address] of (await takeLowestMany(tx, name, of.length)).entries()) {
      const at = of[index]!;
      const ip = formatAddress(address);
      const mac = macOf(network.mac_prefix, address);
      made.push({ kind: 'ip', key: ip, holder: calls[at]!.call, detail: { network: name, mac } });
      answers[at] = { ip, mac, network: name };
    }
  }
  await allocateAll(tx, made);
  await countUse(tx, made.map(countedOf), 1);
  return answers;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Of each call the name of its network: the one asked for, else that of its host. */
async function networkNames(tx: Tx, calls: readonly Asked[]): Promise<string[]> {
  const hosts = new Set(calls.flatMap(({ input }) => (input.network ? [] : (input.host ?? []))));
  const { rows } = await sql<{ name: string; network: string }>`
    SELECT name, network FROM hosts WHERE name ${isOneOf(tx.db, [...hosts])}`.execute(tx.db);
  const ofHost = new Map(rows.map(({ name, network }) => [name, network]));
  return calls.map(({ input: { network, host } }) => network || (host && ofHost.get(host)) || 'default');
}

async function networksNamed(tx: Tx, names: readonly string[]): Promise<ReadonlyMap<string, NetworkRow>> {
  const rows = await cloudTables(tx.db)
    .selectFrom('networks')
    .selectAll()
    .where('name', 'in', [...new Set(names)])
    .execute();
  return new Map(rows.map(row => [row.name, row]));
}

/** The network asked for, else that of the host, else the only one. */
async function networkFor(
  tx: Tx,
  asked: string | null | undefined,
  host: string | null | undefined,
): Promise<NetworkRow> {
  const db = cloudTables(tx.db);
  const name = asked || (host ? await networkOfHost(tx, host) : 'default');
  const network = await db.selectFrom('networks').selectAll().where('name', '=', name).executeTakeFirst();
  if (network) return network;
  const all = await db.selectFrom('networks').select('name').orderBy('name').execute();
  throw new Terminal(
    `there is no network ${JSON.stringify(name)}; there ${all.length === 1 ? 'is' : 'are'} ${all.map(row => row.name).join(', ') || 'none'}`,
    { code: 'COAX_NOT_FOUND' },
  );
}

async function networkOfHost(tx: Tx, host: string): Promise<string> {
  const row = await cloudTables(tx.db)
    .selectFrom('hosts')
    .select('network')
    .where('name', '=', host)
    .executeTakeFirst();
  return row?.network ?? 'default';
}

async function takeAsked(tx: Tx, network: NetworkRow, asked: string): Promise<number> {
  const address = parseAddress(asked);
  if (address !== null && (await takeAddress(tx, network.name, address))) return address;
  const holder = address === null ? null : await allocationAt(tx, 'ip', asked);
  const why =
    address === null
      ? 'is not an IPv4 address'
      : holder
        ? `is taken: message ${holder.msgid} has it`
        : `is not one of ${network.cidr} that guests may have`;
  throw new Terminal(`address ${asked} ${why}; leave it out to get the lowest free one`, {
    code: holder ? 'COAX_NO_FREE_ADDRESS' : 'COAX_STEP_INPUT',
  });
}

function noFreeAddress(network: NetworkRow): Terminal {
  return new Terminal(
    `network ${network.name} (${network.cidr}) has no free address: all are taken; remove a vm, or use another network`,
    { code: 'COAX_NO_FREE_ADDRESS', detail: { network: network.name, cidr: network.cidr, free: 0 } },
  );
}
