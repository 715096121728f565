import type { RebalanceAnswer } from '../../../api/cloud/placement.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { cell } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { defineVerb, wholeNumber } from '../../verb.ts';

interface RebalanceOptions {
  readonly dryRun?: boolean;
  readonly maxMoves: number;
}

/** Which moves of VMs would free how many hosts. */
export const verb = defineVerb<RebalanceOptions>({
  examples: [
    ['coax rebalance --dry-run', 'which moves would free how many hosts'],
    ['coax rebalance --dry-run --max-moves 10 -o json', 'what ten moves can do'],
  ],
  details: [
    'Hosts with few VMs are emptied onto the others, as far as every VM still fits. Only the plan is made: nothing moves.',
  ],
  options: [
    { flags: '--dry-run', about: 'Make the plan; must be given' },
    { flags: '--max-moves <n>', about: 'Moves at most', default: 100, parse: wholeNumber(1) },
  ],
  async run(context, _args, { dryRun, maxMoves }) {
    if (!dryRun) {
      throw new CoaxError('COAX_USAGE', 'rebalance makes only a plan', {
        where: '--dry-run',
        hint: 'Give --dry-run.',
      });
    }
    const { out } = context;
    const plan = await (await context.client()).planRebalance({ moves: maxMoves });
    await out.object(plan, String(plan.freed.length), () => {
      type Row = RebalanceAnswer['moves'][number];
      const columns = [
        { head: 'VM', cell: (row: Row) => cell(row.vm) },
        { head: 'FROM', cell: (row: Row) => cell(row.from) },
        { head: 'TO', cell: (row: Row) => cell(row.to) },
      ];
      if (plan.moves.length > 0) for (const line of out.table(plan.moves, columns)) out.line(line);
      const hosts = plan.freed.length === 0 ? 'no host' : plural(plan.freed.length, 'host');
      const names = plan.freed.length === 0 ? '' : `: ${plan.freed.slice(0, 10).map(cell).join(', ')}`;
      out.line(
        `${plural(plan.moves.length, 'move')} would free ${hosts} of ${plan.hostsInUse} in use${names}`,
      );
    });
    return 0;
  },
});
