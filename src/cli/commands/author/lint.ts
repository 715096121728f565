import { existsSync } from 'node:fs';
import type { Finding } from '../../../api/flow.ts';
import { readText } from '../../input/parameter-files.ts';
import { cell } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Checks a flow, by name or from a file, before it runs. */
export const verb = defineVerb<{ strict?: boolean }>({
  examples: [
    ['coax lint my-flow.yaml', 'a file, against the actions that the server has'],
    ['coax lint create_vm', 'a flow that the server has'],
    ['coax lint flow.yaml --strict', 'warnings count too: for a CI'],
  ],
  args: [{ name: '<flow>', about: 'File, or name of a flow', completes: 'flow' }],
  options: [{ flags: '--strict', about: 'Leave with 1 for warnings too' }],
  statuses: [
    [0, 'no error'],
    [1, 'errors; with --strict: or warnings'],
  ],
  async run(context, [word = ''], { strict }) {
    const { out } = context;
    const client = await context.client();
    const isFile = word === '-' || word.includes('/') || /\.ya?ml$/.test(word) || existsSync(word);
    const list = await client.lint(isFile ? { text: readText(word), file: word } : { name: word });
    await out.list<Finding>(list, {
      columns: [
        { head: 'LEVEL', cell: finding => styleStatus(out.style, finding.level) },
        { head: 'WHERE', cell: finding => cell(finding.where) },
        {
          head: 'REASON',
          cell: finding =>
            `${cell(finding.reason)}${finding.hint ? out.style('dim', ` – ${cell(finding.hint)}`) : ''}`,
        },
      ],
      name: finding => `${finding.level} ${finding.where}`,
      empty: 'nothing to say against it',
    });
    const errors = list.items.filter(finding => finding.level === 'error').length;
    const warnings = list.items.length - errors;
    if (list.items.length > 0) out.hint(`${plural(errors, 'error')}, ${plural(warnings, 'warning')}`);
    return errors > 0 || (strict && warnings > 0) ? 1 : 0;
  },
});
