import type { FlowShow } from '../../../api/flow.ts';
import { isGroupLabel } from '../../../message/step-label.ts';
import { cell, type Output } from '../../output/output.ts';
import { plainLines } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { schemaColumns, schemaRows } from './schema-table.ts';

/** One flow: its steps, parameters and source. */
export const verb = defineVerb<{ source?: boolean }>({
  examples: [
    ['coax flow show create_vm', 'steps and parameters'],
    ['coax flow show create_vm --source', 'its file'],
  ],
  args: [{ name: '<flow>', about: 'Name of the flow', completes: 'flow' }],
  options: [{ flags: '--source', about: 'Print the text of its file' }],
  async run(context, [name = ''], { source }) {
    const { out } = context;
    const flow = await (await context.client()).flow(name);
    if (source && flow.source !== null && out.forPeople) {
      for (const line of plainLines(flow.source)) out.line(line);
      return 0;
    }
    if (source && out.forPeople) out.hint('it has no YAML source');
    await out.object(flow, flow.name, () => printFlow(out, flow));
    return 0;
  },
});

function printFlow(out: Output, flow: FlowShow): void {
  out.line(`${out.style('bold', cell(flow.name))}  ${out.style('dim', cell(flow.file ?? 'built in'))}`);
  if (flow.about) out.line(cell(flow.about));
  out.line();
  for (const [index, step] of flow.steps.entries())
    out.line(`  ${out.style('dim', String(index))}  ${cell(step)}`);
  if (flow.steps.some(isGroupLabel) && flow.source !== null)
    out.hint(`coax flow show ${flow.name} --source shows what is in its groups`);
  const rows = schemaRows(flow.parameters, flow.required);
  if (rows.length > 0) {
    out.line();
    for (const line of out.table(rows, schemaColumns)) out.line(line);
  }
  out.hint(`coax run ${flow.name} ${flow.required.map(name => `${name}=…`).join(' ')}`.trim());
}
