import type { ActionView } from '../../../api/step.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { meantHint } from '../../../errors/nearest.ts';
import { cell, type Output } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { schemaColumns, schemaRows } from './schema-table.ts';

/** One action: what it reads, what it sets, whether it can be undone. */
export const verb = defineVerb({
  examples: [
    ['coax step show network alloc_ip', 'its input and output'],
    ['coax step show compute create_vm -o json', 'with the JSON Schemas'],
  ],
  args: [
    { name: '<module>', about: 'Name of the module', completes: 'action' },
    { name: '<action>', about: 'Name of the action' },
  ],
  async run(context, [module = '', name = '']) {
    const { out } = context;
    const { items } = await (await context.client()).steps();
    const action = items.find(item => item.module === module && item.action === name);
    if (!action) {
      const names = items.map(item => `${item.module} ${item.action}`);
      throw new CoaxError('COAX_NOT_FOUND', `no action is called ${module} ${name}`, {
        hint: `${meantHint(`${module} ${name}`, names)}\`coax step ls\` lists the actions.`,
      });
    }
    await out.object(action, `${module} ${name}`, () => printAction(out, action));
    return 0;
  },
});

function printAction(out: Output, action: ActionView): void {
  out.line(out.style('bold', `${cell(action.module)} ${cell(action.action)}`));
  if (action.about) out.line(cell(action.about));
  out.line();
  out.fields([
    ['kind', action.kind],
    ['undo', action.undoable ? 'yes' : 'none: a plan cannot be rolled back past it'],
    ['code', action.code],
    ['file', cell(action.file ?? 'built in')],
  ]);
  printSchema(out, 'input', action.input);
  printSchema(out, 'output', action.output);
}

function printSchema(out: Output, title: string, schema: Record<string, unknown> | null): void {
  out.line();
  out.line(out.style('bold', title));
  const properties = (schema?.properties ?? {}) as Record<string, unknown>;
  const rows = schemaRows(properties, (schema?.required as string[] | undefined) ?? []);
  if (rows.length === 0) out.line(schema === null ? 'not declared' : 'nothing');
  else for (const line of out.table(rows, schemaColumns)) out.line(line);
}
