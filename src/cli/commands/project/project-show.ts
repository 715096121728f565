import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { labelsText } from './project-ls.ts';

/** One project. */
export const verb = defineVerb({
  examples: [
    ['coax project show web', 'its labels, and who made it'],
    ['coax project show web -o json', 'for a program'],
  ],
  args: [{ name: '<name>', about: 'Name of the project' }],
  async run(context, [name = '']) {
    const { out } = context;
    const client = await context.client();
    const project = await client.access.project(name);
    await out.object(project, project.name, () =>
      out.fields([
        ['name', cell(project.name)],
        ['labels', cell(labelsText(project))],
        ['created', Date.parse(project.created) === 0 ? 'with the installation' : project.created],
        ['created by', cell(project.createdBy)],
      ]),
    );
    return 0;
  },
});
