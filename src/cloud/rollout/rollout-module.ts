import { z } from 'zod';
import { parametersOf } from '../../message/parameters.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { meantHosts } from './meant-hosts.ts';
import { planWaves, shareOf } from './plan-waves.ts';
import { type RolloutHostState, rolloutTables } from './schema.ts';

/** Parts of a wave that are under way at one time, as flows/rollout_package.yaml says. */
const PARTS_AT_ONCE = 8;
/** Rows in one statement: PostgreSQL takes 65,535 values. */
const ROWS = 1000;
const REASON_MAX = 500;

const WaveText = z.object({ wave: z.int(), name: z.string(), hosts: z.int(), pause: z.boolean() });
const rollout = z.int();
const wave = WaveText;
const part = z.int();
const PlanInput = z.object({
  package: z.string().min(1),
  version: z.string().min(1),
  on: z.string().min(1),
  canary: z.string().default('1'),
  waves: z.array(z.string()).default([]),
  budget: z.string().default('0'),
  pause_after: z.array(z.string()).default([]),
  at_once: z.int().min(8).default(128),
});
const PlanOutput = z.object({
  /** The message of the rollout: its waves and parts are messages of their own. */
  rollout,
  plan: z.array(WaveText),
  allowed: z.int(),
});
/** What a group says of its branches that failed. */
const NotSwitched = z.array(z.object({ item: z.string(), reason: z.string(), message: z.int() })).default([]);

interface WaveRef {
  readonly rollout: number;
  readonly wave: { readonly wave: number; readonly pause: boolean };
}
interface PartRef {
  readonly rollout: number;
  readonly wave: { readonly wave: number };
  readonly part: number;
}
type JudgeInput = PartRef & { readonly not_switched: z.output<typeof NotSwitched> };

/** The beginning and the end of a wave. */
const WAVE_ACTIONS = {
  begin_wave: {
    about: 'Begins a wave: its parts, a few hosts each.',
    transactional: true,
    input: z.object({ rollout, wave }),
    output: z.object({ parts: z.array(z.int()) }),
    async do({ rollout: msgid, wave: { wave: at } }: WaveRef, { tx }: TransactionalCall) {
      const db = rolloutTables(tx.db);
      await db.updateTable('rollouts').set({ wave: at, paused: 0 }).where('msgid', '=', msgid).execute();
      const rows = await db
        .selectFrom('rollout_hosts')
        .select('part')
        .distinct()
        .where('rollout', '=', msgid)
        .where('wave', '=', at)
        .orderBy('part')
        .execute();
      return { parts: rows.map(row => Number(row.part)) };
    },
    undo() {},
  },
  end_wave: {
    about: 'Ends a wave, and says whether a person must approve the next one.',
    transactional: true,
    input: z.object({ rollout, wave }),
    output: z.object({ pause: z.boolean() }),
    async do({ rollout: msgid, wave: { pause } }: WaveRef, { tx }: TransactionalCall) {
      await rolloutTables(tx.db)
        .updateTable('rollouts')
        .set({ paused: pause ? 1 : 0 })
        .where('msgid', '=', msgid)
        .execute();
      return { pause };
    },
    undo() {},
  },
} as const;

/** The beginning and the end of a part of a wave. */
const PART_ACTIONS = {
  take_part: {
    about: 'The hosts of a part, and how many of them may still fail.',
    transactional: true,
    input: z.object({ rollout, wave, part }),
    output: z.object({ hosts: z.array(z.string()), tolerated: z.int() }),
    async do(input: PartRef, { tx }: TransactionalCall) {
      await setPart(tx, input, 'under_way');
      const rows = await partOf(tx, input);
      return { hosts: rows.map(({ host }) => host), tolerated: await leftOf(tx, input.rollout) };
    },
    async undo(input: PartRef, _output: object, call: TransactionalCall) {
      await setPart(call.tx, input, 'undone');
      for (const { item, reason } of await failedBeneath(call)) await setFailed(call.tx, input, item, reason);
    },
  },
  judge_part: {
    about: 'Counts the hosts that failed; more than are allowed turn the whole rollout back.',
    transactional: true,
    input: z.object({ rollout, wave, part, not_switched: NotSwitched }),
    output: z.object({}),
    async do(input: JudgeInput, { tx }: TransactionalCall) {
      await setPart(tx, input, 'done');
      for (const { item, reason } of input.not_switched) await setFailed(tx, input, item, reason);
      if ((await leftOf(tx, input.rollout)) >= 0) return {};
      throw new Terminal('more hosts have failed than the budget allows', {
        code: 'COAX_ROLLOUT_BUDGET',
      });
    },
    undo() {},
  },
} as const;

/** Module `rollout`: which host comes when, and whether too many have failed. Transactional. */
export function rolloutModule(): ModuleDefinition {
  return defineModule({
    name: 'rollout',
    about: 'Brings a package to many hosts, a few first.',
    actions: {
      plan: {
        about: 'Chooses hosts and waves; refuses while another rollout of the package is under way.',
        transactional: true,
        input: PlanInput,
        output: PlanOutput,
        do: (input, call) => plan(input, call),
        async undo(_input, _output, { tx, msgid }) {
          await rolloutTables(tx.db)
            .updateTable('rollouts')
            .set({ state: 'undone', paused: 0 })
            .where('msgid', '=', msgid)
            .execute();
        },
      },
      ...WAVE_ACTIONS,
      ...PART_ACTIONS,
      finish: {
        about: 'Ends the rollout.',
        transactional: true,
        input: z.object({ rollout }),
        output: z.object({ failed: z.int() }),
        async do({ rollout: msgid }, { tx }) {
          await setState(tx, msgid, 'done');
          return { failed: await failedOf(tx, msgid) };
        },
        undo: ({ rollout: msgid }, _output, { tx }) => setState(tx, msgid, 'under_way'),
      },
    },
  });
}

type Tx = TransactionalCall['tx'];

async function plan(
  input: z.output<typeof PlanInput>,
  call: TransactionalCall,
): Promise<z.input<typeof PlanOutput>> {
  const { tx, msgid } = call;
  const db = rolloutTables(tx.db);
  const { package: name, version } = input;
  const other = await db
    .selectFrom('rollouts')
    .select('msgid')
    .where('package', '=', name)
    .where('state', '=', 'under_way')
    .where('msgid', '<>', msgid)
    .executeTakeFirst();
  if (other !== undefined)
    throw new Terminal(`message ${Number(other.msgid)} rolls out ${name} now`, {
      code: 'COAX_ROLLOUT_STATE',
    });
  const { hosts, skipped } = await meantHosts(tx, input.on);
  const { waves, members } = planWaves(hosts, { ...input, pauseAfter: input.pause_after });
  const allowed = shareOf(input.budget, hosts.length, 'budget', 'down');
  await db.deleteFrom('rollout_hosts').where('rollout', '=', msgid).execute();
  await db.deleteFrom('rollouts').where('msgid', '=', msgid).execute();
  await db
    .insertInto('rollouts')
    .values({
      msgid,
      package: name,
      version,
      state: 'under_way',
      waves: JSON.stringify(waves),
      wave: -1,
      paused: 0,
      allowed,
      skipped: JSON.stringify(skipped),
      created: tx.now,
    })
    .execute();
  const size = Math.max(1, Math.floor(input.at_once / PARTS_AT_ONCE));
  const rows = members.flatMap((list, at) =>
    list.map((host, index) => ({
      rollout: msgid,
      host,
      wave: at,
      part: Math.floor(index / size),
      state: 'waiting' as const,
      reason: '',
    })),
  );
  for (let at = 0; at < rows.length; at += ROWS)
    await db
      .insertInto('rollout_hosts')
      .values(rows.slice(at, at + ROWS))
      .execute();
  call.detail({
    hosts: hosts.length,
    skipped: skipped.length,
    canaries: [...(members[0] ?? [])].slice(0, 20),
  });
  return { rollout: msgid, plan: waves.map(one => ({ ...one })), allowed };
}

async function setPart(
  tx: Tx,
  { rollout: msgid, wave: { wave: at }, part: index }: PartRef,
  state: RolloutHostState,
) {
  await rolloutTables(tx.db)
    .updateTable('rollout_hosts')
    .set({ state })
    .where('rollout', '=', msgid)
    .where('wave', '=', at)
    .where('part', '=', index)
    // What failed was never switched, or has been switched back already.
    .where('state', '<>', 'failed')
    .execute();
}

async function setFailed(tx: Tx, { rollout: msgid }: PartRef, host: string, reason: string): Promise<void> {
  await rolloutTables(tx.db)
    .updateTable('rollout_hosts')
    .set({ state: 'failed', reason: reason.slice(0, REASON_MAX) })
    .where('rollout', '=', msgid)
    .where('host', '=', host)
    .execute();
}

/** Hosts whose own failure turned this part back; its group names its branches in the error. */
async function failedBeneath({ tx, msgid }: TransactionalCall): Promise<{ item: string; reason: string }[]> {
  const store = tx as StoreTx;
  const detail = (await store.message(msgid))?.error?.detail as { children?: readonly number[] } | undefined;
  const failed: { item: string; reason: string }[] = [];
  for (const child of Array.isArray(detail?.children) ? detail.children : []) {
    const message = await store.message(child);
    const { host } = message === null ? {} : parametersOf(message);
    if (message?.cause === 'failed' && typeof host === 'string')
      failed.push({ item: host, reason: message.error?.reason ?? '' });
  }
  return failed;
}

const partOf = (tx: Tx, { rollout: msgid, wave: { wave: at }, part: index }: PartRef) =>
  rolloutTables(tx.db)
    .selectFrom('rollout_hosts')
    .select('host')
    .where('rollout', '=', msgid)
    .where('wave', '=', at)
    .where('part', '=', index)
    .orderBy('host')
    .execute();

async function failedOf(tx: Tx, msgid: number): Promise<number> {
  const { count } = await rolloutTables(tx.db)
    .selectFrom('rollout_hosts')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('rollout', '=', msgid)
    .where('state', '=', 'failed')
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** How many hosts may still fail; less than 0 when more have than may. */
async function leftOf(tx: Tx, msgid: number): Promise<number> {
  const { allowed } = await rolloutTables(tx.db)
    .selectFrom('rollouts')
    .select('allowed')
    .where('msgid', '=', msgid)
    .executeTakeFirstOrThrow();
  return Number(allowed) - (await failedOf(tx, msgid));
}

async function setState(tx: Tx, msgid: number, state: 'done' | 'under_way'): Promise<void> {
  await rolloutTables(tx.db)
    .updateTable('rollouts')
    .set({ state, paused: 0 })
    .where('msgid', '=', msgid)
    .execute();
}
