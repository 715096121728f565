import { everyPage } from '../../../client/every-page.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists placement policies. */
export const verb = defineVerb({
  examples: [
    ['coax policy ls', 'which there are, and who is placed by which'],
    ['coax policy ls -o json', 'with the weight of each weigher'],
  ],
  details: [
    'A request names its policy with the parameter `placement`, as in `placement=\'{"policy":"spread"}\'`; else its flavor has one, else its project, else the default is used. Policies of your own stand in placement.yaml in the data directory, or in the file of `coax up --placement`.',
  ],
  async run(context) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.policies(query));
    await out.list(list, {
      columns: [
        { head: 'NAME', cell: policy => cell(policy.name) },
        { head: 'DEFAULT', cell: policy => (policy.default ? out.style('green', 'yes') : '') },
        {
          head: 'WEIGHERS',
          cell: policy =>
            Object.entries(policy.weighers)
              .map(([name, weight]) => `${cell(name)}=${weight}`)
              .join(' '),
        },
        { head: 'FILTERS', cell: policy => cell(policy.filters.join(' ')) },
        { head: 'PROJECTS', cell: policy => cell(policy.projects.join(' ')) },
        { head: 'FLAVORS', cell: policy => cell(policy.flavors.join(' ')) },
        { head: 'ABOUT', cell: policy => cell(policy.about) },
      ],
      name: policy => policy.name,
      empty: 'no policy',
    });
    return 0;
  },
});
