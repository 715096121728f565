import { defineVerb } from '../../verb.ts';

/** Takes a project out of use. */
export const verb = defineVerb({
  examples: [
    ['coax project rm web', 'with its tokens, accounts and roles; its history stays'],
    ['coax project rm web -o json', 'for a program'],
  ],
  details: ['Refused while one of its messages is under way, or holds something such as a VM.'],
  args: [{ name: '<name>', about: 'Name of the project' }],
  async run(context, [name = '']) {
    const { out } = context;
    const done = await (await context.client()).access.removeProject(name);
    await out.object(done, name, () => out.line(`${name} is removed`));
    return 0;
  },
});
