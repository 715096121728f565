import { defineVerb } from '../../verb.ts';
import { labelsOf } from '../agent/agent-options.ts';

/** Changes a project's labels. */
export const verb = defineVerb<{ label?: readonly string[]; unlabel?: readonly string[] }>({
  examples: [
    ['coax project edit web --label team=shop', 'adds a label, or changes it'],
    ['coax project edit web --unlabel team', 'takes one away'],
  ],
  args: [{ name: '<name>', about: 'Name of the project' }],
  options: [
    { flags: '--label <name=value>', about: 'A label to add or change', repeats: true },
    { flags: '--unlabel <name>', about: 'A label to take away', repeats: true },
  ],
  async run(context, [name = ''], { label = [], unlabel = [] }) {
    const { out } = context;
    const { access } = await context.client();
    const { labels } = await access.project(name);
    const gone = new Set(unlabel);
    const kept = Object.entries(labels).filter(([key]) => !gone.has(key));
    const made = await access.editProject(name, {
      labels: { ...Object.fromEntries(kept), ...labelsOf(label) },
    });
    await out.object(made, made.name, () => out.line(made.name));
    return 0;
  },
});
