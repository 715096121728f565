import { defineVerb } from '../../verb.ts';
import { labelsOf } from '../agent/agent-options.ts';

/** Makes a project. */
export const verb = defineVerb<{ label?: readonly string[] }>({
  examples: [
    ['coax project create web', 'then: coax run create_vm … --project web'],
    ['coax project create shop --label team=web --label cost=17', 'with labels of your own'],
  ],
  details: ['A name is given once: the ledger still names projects that were removed.'],
  args: [{ name: '<name>', about: 'Small letters, digits and dashes' }],
  options: [{ flags: '--label <name=value>', about: 'A label', repeats: true }],
  async run(context, [name = ''], { label = [] }) {
    const { out } = context;
    const made = await (await context.client()).access.createProject({ name, labels: labelsOf(label) });
    await out.object(made, made.name, () => out.line(made.name));
    return 0;
  },
});
