import type { ProjectView } from '../../../api/access/identity.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell, type Output } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists projects. */
export const verb = defineVerb({
  examples: [
    ['coax project ls', 'those that you may look into'],
    ['coax project ls -o name', 'names alone'],
  ],
  async run(context) {
    const { out } = context;
    const { access } = await context.client();
    const list = await everyPage(query => access.projects(query));
    await out.list(list, { columns: columns(out), name: project => project.name, empty: 'no project' });
    return 0;
  },
});

const columns = (out: Output) => [
  { head: 'NAME', cell: (project: ProjectView) => cell(project.name) },
  { head: 'LABELS', cell: (project: ProjectView) => cell(labelsText(project)) },
  {
    head: out.timeHead('AGE', 'CREATED'),
    cell: (project: ProjectView) => (Date.parse(project.created) === 0 ? '-' : out.time(project.created)),
  },
  { head: 'CREATED BY', cell: (project: ProjectView) => cell(project.createdBy) },
];

export const labelsText = ({ labels }: ProjectView): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
