import { changeContexts, contextNamed, LOCAL } from '../../login/contexts.ts';
import { defineVerb } from '../../verb.ts';

/** Chooses the server that verbs go to. */
export const verb = defineVerb({
  examples: [
    ['coax context use prod', 'all verbs go to that server from now on'],
    [`coax context use ${LOCAL}`, 'to the server of the data directory again'],
  ],
  details: [
    'For one command, `--context NAME` or COAX_CONTEXT chooses. An address (`--url`, COAX_URL) and a data directory that is named (`--data`, COAX_DATA) come before the current context.',
  ],
  args: [{ name: '<name>', about: `Name of the context, or ${LOCAL}` }],
  async run({ out }, [name = '']) {
    await changeContexts(before => {
      if (name === LOCAL) return { ...before, current: null };
      contextNamed(name, before);
      return { ...before, current: name };
    });
    await out.object({ current: name }, name, () => out.line(`verbs go to ${name}`));
    return 0;
  },
});
