import type { FlowView } from '../../../api/flow.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists flows; files that could not be read are told on standard error. */
export const verb = defineVerb({
  examples: [
    ['coax flow ls', 'all flows, with their parameters'],
    ['coax flow ls -o name', 'names only'],
  ],
  async run(context) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.flows(query));
    await out.list<FlowView>(list, {
      columns: [
        { head: 'NAME', cell: flow => cell(flow.name) },
        { head: 'STEPS', right: true, cell: flow => String(flow.steps.length) },
        { head: 'PARAMETERS', cell: parametersCell },
        { head: 'FILE', wide: true, cell: flow => cell(flow.file ?? 'built in') },
        { head: 'ABOUT', cell: flow => cell(flow.about) },
      ],
      name: flow => flow.name,
      empty: 'no flows; coax up --flows DIR adds a folder of them',
    });
    for (const fault of list.faults)
      out.hint(`${out.errorStyle('red', 'not usable:')} ${cell(fault.where)}: ${cell(fault.reason)}`);
    return 0;
  },
});

/** `cpu mem [name]`: brackets where there is a default. */
function parametersCell(flow: FlowView): string {
  const required = new Set(flow.required);
  return Object.keys(flow.parameters)
    .map(name => (required.has(name) ? cell(name) : `[${cell(name)}]`))
    .join(' ');
}
