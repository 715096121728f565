import { PLAN_COUNT_MAX, type PlanAnswer } from '../../../api/cloud/placement.ts';
import { parsePairs } from '../../input/pairs.ts';
import { readParameters } from '../../input/parameter-files.ts';
import { cell, type Output } from '../../output/output.ts';
import { plain, plural } from '../../output/text.ts';
import { defineVerb, UsageFault, wholeNumber } from '../../verb.ts';
import { memory } from '../cloud/columns.ts';
import { textParameters } from '../message/flow-texts.ts';
import { printCandidates, printFilters } from './placement-tables.ts';

interface PlanOptions {
  readonly count: number;
  readonly params?: string;
}

/** A dry run of placement: which hosts the VMs of a flow would land on. */
export const verb = defineVerb<PlanOptions>({
  examples: [
    ['coax plan create_vm cpu=2 mem=4096', 'where it would go, and why there'],
    ['coax plan create_vm cpu=2 mem=4096 --count 50', 'how many of 50 fit, and what the next one lacks'],
    ['coax plan create_vm --params vm.yaml -o json', 'for a program'],
  ],
  details: [
    'Nothing is written: the choice is made on a copy of what the server knows of its hosts, so a message that follows may still be placed otherwise. Each VM is placed as if those before it were there. At the first that no host fits the plan ends: it names what is lacking, filter by filter.',
  ],
  args: [
    { name: '<flow>', about: 'Name of the flow', completes: 'flow' },
    { name: '[pairs...]', about: 'Parameters: name=value' },
  ],
  options: [
    {
      flags: '-c, --count <n>',
      about: `So many messages of the flow, ${PLAN_COUNT_MAX.toLocaleString('en')} at most`,
      default: 1,
      parse: count,
    },
    {
      flags: '--params <file>',
      about: 'Parameters from a JSON or YAML file; - is standard input',
      completes: 'file',
    },
  ],
  statuses: [
    [0, 'all fit'],
    [4, 'one does not fit'],
  ],
  async run(context, [flow = '', ...pairs], options) {
    const { out } = context;
    const client = await context.client();
    const parameters = {
      ...(options.params === undefined ? {} : await readParameters(options.params)),
      ...parsePairs(pairs, await textParameters(client, flow, pairs)),
    };
    const answer = await client.plan(flow, { parameters, count: options.count });
    await out.object(answer, `${answer.placed}/${answer.asked}`, () => printPlan(out, answer));
    return answer.failed === null ? 0 : 4;
  },
});

function count(text: string): number {
  const value = wholeNumber(1)(text);
  if (value > PLAN_COUNT_MAX) throw new UsageFault(`expected ${PLAN_COUNT_MAX} at most`);
  return value;
}

function printPlan(out: Output, plan: PlanAnswer): void {
  const { asked, placed, hosts, first, failed } = plan;
  if (hosts.length > 0) {
    type Row = PlanAnswer['hosts'][number];
    const columns = [
      { head: 'HOST', cell: (row: Row) => cell(row.host) },
      { head: 'VMS', right: true, cell: (row: Row) => row.vms.toLocaleString('en') },
      { head: 'CPU', right: true, cell: (row: Row) => cell(row.cpu) },
      { head: 'MEM', right: true, cell: (row: Row) => memory(row.memMib) },
      { head: 'CPU LEFT', right: true, cell: (row: Row) => cell(row.cpuFree) },
      { head: 'MEM LEFT', right: true, cell: (row: Row) => memory(row.memMibFree) },
    ];
    for (const line of out.table(hosts, columns)) out.line(line);
  }
  for (const { vm, host, for: number } of plan.removed) {
    const whom = asked === 1 ? 'it' : `number ${number.toLocaleString('en')}`;
    out.line(`preemptible vm ${plain(vm)} would be removed from host ${plain(host)} for ${whom}`);
  }
  if (failed === null) {
    if (first === null) return;
    if (asked === 1) {
      out.line();
      out.line(plain(first.reason));
      printFilters(out, first.filters);
      printCandidates(out, first.candidates, first.host ?? null);
    } else out.line(`all ${asked.toLocaleString('en')} fit, on ${plural(hosts.length, 'host')}`);
    return;
  }
  const name = failed.name === '' ? '' : ` (${plain(failed.name)})`;
  out.line(
    `${placed.toLocaleString('en')} of ${asked.toLocaleString('en')} fit; number ${failed.vm.toLocaleString('en')}${name} does not: ${plain(failed.placement.reason)}`,
  );
  printFilters(out, failed.placement.filters);
}
