import type { RebalanceAnswer } from '../../../api/cloud/placement.ts';
import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { cell, type Output } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb, wholeNumber } from '../../verb.ts';
import { WAIT } from '../message/decision.ts';
import { BATCH, countMany } from '../message/run-many.ts';
import { WAIT_STATUSES } from '../message/wait.ts';

interface RebalanceOptions {
  readonly dryRun?: boolean;
  readonly maxMoves: number;
  readonly wait?: boolean;
  readonly timeout?: number;
}

/** Empties hosts with few VMs onto others, or says which moves would. */
export const verb = defineVerb<RebalanceOptions>({
  examples: [
    ['coax rebalance --dry-run', 'which moves would free how many hosts'],
    ['coax rebalance --max-moves 10 --wait', 'make the ten moves that do most, and look on'],
  ],
  details: [
    'Hosts with few VMs are emptied onto the others, as far as every VM still fits. Each move is a message of its own (move_vm), so one that finds its target taken meanwhile is rolled back alone, and its VM stays where it was. A VM is off while it moves. With --dry-run only the plan is made: nothing moves.',
  ],
  options: [
    { flags: '--dry-run', about: 'Make only the plan' },
    { flags: '--max-moves <n>', about: 'Moves at most', default: 100, parse: wholeNumber(1) },
    ...WAIT,
  ],
  statuses: WAIT_STATUSES,
  async run(context, _args, { dryRun, maxMoves, wait = false, timeout }) {
    const { out } = context;
    const client = await context.client();
    const plan = await client.planRebalance({ moves: maxMoves });
    if (dryRun) {
      await out.object(plan, String(plan.freed.length), () => printPlan(out, plan));
      return 0;
    }
    if (out.forPeople) printPlan(out, plan);
    return countMany(context, client, moveAll(client, plan.moves), {
      wait,
      ...(timeout !== undefined && { timeout }),
    });
  },
});

/** Submits a message for each move. */
async function* moveAll(client: Client, moves: RebalanceAnswer['moves']): AsyncGenerator<number[]> {
  for (let at = 0; at < moves.length; at += BATCH) {
    const batch = moves.slice(at, at + BATCH);
    const { items } = await client.submitMany(
      batch.map(({ vm, to }) => ({ flow: 'move_vm', parameters: { name: vm, to } })),
    );
    yield items.map(item => {
      if ('msgid' in item) return item.msgid;
      throw new CoaxError('COAX_IDEMPOTENCY_CONFLICT', item.error.detail);
    });
  }
}

function printPlan(out: Output, plan: RebalanceAnswer): void {
  type Row = RebalanceAnswer['moves'][number];
  const columns = [
    { head: 'VM', cell: (row: Row) => cell(row.vm) },
    { head: 'FROM', cell: (row: Row) => cell(row.from) },
    { head: 'TO', cell: (row: Row) => cell(row.to) },
  ];
  if (plan.moves.length > 0) for (const line of out.table(plan.moves, columns)) out.line(line);
  const hosts = plan.freed.length === 0 ? 'no host' : plural(plan.freed.length, 'host');
  const names = plan.freed.length === 0 ? '' : `: ${plan.freed.slice(0, 10).map(cell).join(', ')}`;
  out.line(`${plural(plan.moves.length, 'move')} would free ${hosts} of ${plan.hostsInUse} in use${names}`);
}
