import type { ActionView } from '../../../api/step.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists the actions that steps can name. */
export const verb = defineVerb({
  examples: [
    ['coax step ls', 'every action of every module'],
    ['coax step ls compute', 'of one module'],
  ],
  args: [{ name: '[module]', about: 'Only of this module' }],
  async run(context, [module]) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.steps(query));
    const items = list.items.filter(item => module === undefined || item.module === module);
    await out.list<ActionView>(
      { ...list, items },
      {
        columns: [
          { head: 'MODULE', cell: action => cell(action.module) },
          { head: 'ACTION', cell: action => cell(action.action) },
          { head: 'KIND', cell: action => action.kind },
          { head: 'UNDO', cell: action => (action.undoable ? 'yes' : out.style('yellow', 'none')) },
          { head: 'CODE', cell: action => action.code.slice(0, 10) },
          { head: 'FILE', wide: true, cell: action => cell(action.file ?? 'built in') },
          { head: 'ABOUT', cell: action => cell(action.about) },
        ],
        name: action => `${action.module} ${action.action}`,
        empty: module === undefined ? 'no actions' : `no module is called ${module}; coax step ls lists all`,
      },
    );
    for (const fault of list.faults)
      out.hint(`${out.errorStyle('red', 'not usable:')} ${cell(fault.where)}: ${cell(fault.reason)}`);
    return 0;
  },
});
